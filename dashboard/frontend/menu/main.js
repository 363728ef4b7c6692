// On a phone the menu lies over the page: it closes after a choice. And the document says which
// language it is in, for screen readers, and for the letters of Chinese among those of Japanese.

/** @import { Component } from "../streamlit.d.ts" */
/** @import { MenuData } from "./types.d.ts" */

// Streamlit's own: below this the sidebar lies over the page.
const OVER_THE_PAGE = "(max-width: 768px)"

/** @param {Component<MenuData, {}>} component */
export default function ({ parentElement, data }) {
  document.documentElement.lang = data.language
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
