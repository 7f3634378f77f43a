/** How often the window is looked at. */
const LOOK_MS = 100
/** A foreign page that was seen for so long did not cut the tie. A moment of it is seen before a tie is cut, too. */
const TIED_MS = 1_000
/** How long a window that may only be cut off is gone, with the person on this page, until it counts as closed. */
const LONG_GONE_MS = 15_000

/**
 * Opens an empty window, to be sent somewhere later; undefined when the browser does not let it. The page of an authorization server, which any
 * MCP server may name, must not be able to send this page elsewhere, so the window does not know who opened it. The price: while it shows a
 * foreign page, only the person can close it.
 */
export function openEmptyWindow(features: string): Window | undefined {
  const popup = window.open('about:blank', '_blank', features) ?? undefined
  if (popup) popup.opener = null
  return popup
}

/** Closes `popup` if it may be closed from here. */
export function closeWindow(popup: Window | undefined): void {
  if (popup && !popup.closed && !isForeign(popup)) popup.close()
}

/**
 * Resolves when the person seems to have closed `popup`. A page with a Cross-Origin-Opener-Policy cuts the tie to its opener, and its window
 * looks closed from here although the person is about to log in there. So a window that looks closed counts as closed once the
 * person is back on this page: soon if it had shown a foreign page for a while, which a tie that is cut at once never lets one see, else late.
 *
 * @see {@link https://html.spec.whatwg.org/multipage/browsers.html#cross-origin-opener-policies | HTML: COOP}
 */
export function watchForClosing(popup: Window, ended: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    let foreignMs = 0
    let goneMs = 0
    const look = (): void => {
      if (!popup.closed) {
        foreignMs += isForeign(popup) ? LOOK_MS : 0
        goneMs = 0
        return
      }
      goneMs = document.hasFocus() ? goneMs + LOOK_MS : 0
      // Not at the first look: the callback page closes its window itself, and its answer may be a moment behind.
      if (goneMs > (foreignMs >= TIED_MS ? LOOK_MS : LONG_GONE_MS)) resolve()
    }
    const timer = setInterval(look, LOOK_MS)
    ended.addEventListener('abort', () => clearInterval(timer), { once: true })
  })
}

function isForeign(popup: Window): boolean {
  try {
    return popup.location.href === undefined
  } catch {
    // Only what is of another origin may not be read.
    return true
  }
}
