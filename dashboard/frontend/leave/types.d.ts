// What Python hands to the component that asks before the page is left.

export interface LeaveData {
  /** there is something to lose */
  asks: boolean
}
