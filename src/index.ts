export * from './client.ts'
export { OAuthError, type OAuthErrorCode, type OAuthErrorDetail } from './oauth/errors.ts'
export { StoreError } from './oauth/store/store-error.ts'
