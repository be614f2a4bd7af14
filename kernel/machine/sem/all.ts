/**
 * The semantic table: importing this defines every form. One line a group.
 */
import "./moves.ts";
import "./alu.ts";
import "./shift.ts";
import "./muldiv.ts";
import "./bit.ts";
import "./string.ts";
import "./flags.ts";
import "./control.ts";
import "./system.ts";
import "./ssemove.ts";
import "./sseint.ts";
import "./ssearith.ts";
import "./ssecvt.ts";
import "./ssestring.ts";
