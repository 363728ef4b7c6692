// On a phone the menu lies over the page: it closes after a choice.

/** @import { Component } from "../streamlit.d.ts" */

// Streamlit's own: below this the sidebar lies over the page.
const OVER_THE_PAGE = "(max-width: 768px)"

/** @param {Component<null, {}>} component */
export default function ({ parentElement }) {
  const root = parentElement.getRootNode()
  const place = root instanceof ShadowRoot ? root.host : parentElement
  const sidebar = place instanceof Element ? place.closest("[data-testid=stSidebar]") : null
  /** @param {Event} event */
  const close = (event) => {
    if (!(event.target instanceof Element) || !event.target.closest("a")) return
    if (!matchMedia(OVER_THE_PAGE).matches) return
    const button = sidebar?.querySelector("[data-testid=stSidebarCollapseButton] button")
    if (button instanceof HTMLElement) button.click()
  }
  sidebar?.addEventListener("click", close)
  return () => sidebar?.removeEventListener("click", close)
}
