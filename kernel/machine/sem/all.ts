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
import "./x87load.ts";
import "./x87arith.ts";
import "./x87compare.ts";
import "./x87scale.ts";
import "./x87control.ts";
