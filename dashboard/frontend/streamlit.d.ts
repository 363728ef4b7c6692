// What Streamlit hands to the default export of a component's main.js: at the start, and again with
// every change of the data, with the same parentElement. What it returns is called at the end.
export interface Component<Data, State> {
  parentElement: ParentNode
  data: Data
  setStateValue<Name extends keyof State & string>(name: Name, value: State[Name]): void
  // For one run of the script, then forgotten on both sides.
  setTriggerValue<Name extends keyof State & string>(name: Name, value: State[Name]): void
}
