export { finishPopup, type FinishPopupOptions } from './browser/finish-popup.ts'
export { createIndexedDbStore, type IndexedDbStoreOptions } from './browser/indexed-db-store.ts'
export { createPopupAuthorizer, type PopupAuthorizer, type PopupAuthorizerOptions } from './browser/popup-authorizer.ts'
export {
  finishRedirect,
  loginByRedirect,
  type RedirectLoginOptions,
  returnedLogin,
  type ReturnedLogin,
} from './browser/redirect-login.ts'
export { createWebStorageStore } from './browser/web-storage-store.ts'
