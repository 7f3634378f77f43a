import { finishPopup } from 'latchkey/browser'

const outcome = await finishPopup()
document.body.textContent = JSON.stringify(outcome)
