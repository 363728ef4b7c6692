// What Python hands to the component that takes images from the clipboard and from anywhere on the
// page, and what it gets back.

export interface BringData {
  /** key of the file uploader that gets them */
  uploader: string
  /** the uploader is on the page; else it is asked for first */
  is_there: boolean
  texts: Record<string, string>
}

export interface State {
  /** names and number of what came; `pasted`: from the clipboard */
  brought: { names: string[]; count: number; pasted: boolean; at: number }
}
