// What Python hands to the swipe. The other side is the frozen dataclasses of
// dashboard/compare/swipe.py, which say what the fields mean; a test holds both alike.

export interface SwipeData {
  photo: string
  width: number
  height: number
  alt: string
  kinds: KindOfBox[]
  sides: Side[]
  handle: string
  revision: number
}

export interface KindOfBox {
  kind: string
  name: string
  color: string
}

export interface Side {
  name: string
  boxes: Box[]
}

export interface Box {
  kind: string
  left: number
  top: number
  width: number
  height: number
  color: string
  ink: string
  text: string
  label: LabelPlace | null
}

export interface LabelPlace {
  left: number
  top: number
  ends_there: boolean
}
