// What Python hands to the component of the menu.

export interface MenuData {
  /** as HTML names it: zh-CN */
  language: string
}
