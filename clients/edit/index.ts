/** edit: a line editor for any terminal, without a host: what is typed comes, and what is shown goes, through functions. */
export { type Answer, type Ask, type Completion, Editor, type EditorOptions } from "./editor.ts";
export { entriesOf, entryLine, History, HISTORYMAX, type HistoryStore } from "./history.ts";
export { type Size } from "./painter.ts";
export { visible } from "./width.ts";
