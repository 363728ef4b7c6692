// What Python hands to the button of the Share sheet, and what it gets back. The other side is
// dashboard/detect/share.py, which says what the fields mean; a test holds both alike.

export interface ShareData {
  url: string
  name: string
  texts: Record<string, string>
}

export interface State {
  asked: { at: number }
}
