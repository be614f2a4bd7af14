/**
 * Opcode table of the x87 escapes D8-DF, in the language of opcodes.ts. ST0 and STi are operands;
 * memory operands carry the width of what is loaded or stored: Md Mq Mt (80 bits) Mw, or M for the
 * environments. The size of a form is that of its memory operand: "fadd.4 m", "fld.10 m", "fild.2 m".
 */
const ARITH = ["fadd", "fmul", "fcom", "fcomp", "fsub", "fsubr", "fdiv", "fdivr"];

export const X87: string = `
${ARITH.map((n, k) => `d8/${k}m ${n} Md\nd8/${k}r ${n} ST0,STi`).join("\n")}
${ARITH.map((n, k) => `dc/${k}m ${n} Mq`).join("\n")}
${ARITH.map((n, k) => `da/${k}m ${n.replace("f", "fi")} Md`).join("\n")}
${ARITH.map((n, k) => `de/${k}m ${n.replace("f", "fi")} Mw`).join("\n")}
dc/0r fadd STi,ST0
dc/1r fmul STi,ST0
dc/2r fcom ST0,STi
dc/3r fcomp ST0,STi
dc/4r fsubr STi,ST0
dc/5r fsub STi,ST0
dc/6r fdivr STi,ST0
dc/7r fdiv STi,ST0
de/0r faddp STi,ST0
de/1r fmulp STi,ST0
de/2r fcomp ST0,STi
de/3/1 fcompp
de/4r fsubrp STi,ST0
de/5r fsubp STi,ST0
de/6r fdivrp STi,ST0
de/7r fdivp STi,ST0
d9/0m fld Md
d9/2m fst Md
d9/3m fstp Md
d9/4m fldenv M
d9/5m fldcw Mw
d9/6m fnstenv M
d9/7m fnstcw Mw
d9/0r fld STi
d9/1r fxch ST0,STi
d9/2/0 fnop
d9/3r fstpnce STi
${"fchs fabs - - ftst fxam - -".split(" ").map((n, k) => (n === "-" ? "" : `d9/4/${k} ${n}`)).join("\n")}
${"fld1 fldl2t fldl2e fldpi fldlg2 fldln2 fldz".split(" ").map((n, k) => `d9/5/${k} ${n}`).join("\n")}
${"f2xm1 fyl2x fptan fpatan fxtract fprem1 fdecstp fincstp".split(" ").map((n, k) => `d9/6/${k} ${n}`).join("\n")}
${"fprem fyl2xp1 fsqrt fsincos frndint fscale fsin fcos".split(" ").map((n, k) => `d9/7/${k} ${n}`).join("\n")}
da/0r fcmovb ST0,STi
da/1r fcmove ST0,STi
da/2r fcmovbe ST0,STi
da/3r fcmovu ST0,STi
da/5/1 fucompp
db/0m fild Md
db/1m fisttp Md
db/2m fist Md
db/3m fistp Md
db/5m fld Mt
db/7m fstp Mt
db/0r fcmovnb ST0,STi
db/1r fcmovne ST0,STi
db/2r fcmovnbe ST0,STi
db/3r fcmovnu ST0,STi
db/4/0 fneni=nop
db/4/1 fndisi=nop
db/4/2 fnclex
db/4/3 fninit
db/4/4 fnsetpm=nop
db/5r fucomi ST0,STi
db/6r fcomi ST0,STi
dd/0m fld Mq
dd/1m fisttp Mq
dd/2m fst Mq
dd/3m fstp Mq
dd/4m frstor M
dd/6m fnsave M
dd/7m fnstsw Mw
dd/0r ffree STi
dd/1r fxch ST0,STi
dd/2r fst STi
dd/3r fstp STi
dd/4r fucom ST0,STi
dd/5r fucomp ST0,STi
df/0m fild Mw
df/1m fisttp Mw
df/2m fist Mw
df/3m fistp Mw
df/4m fbld Mt
df/5m fild Mq
df/6m fbstp Mt
df/7m fistp Mq
df/0r ffreep STi
df/1r fxch ST0,STi
df/2r fstp STi
df/3r fstp STi
df/4/0 fnstsw=fnstswax AX
df/5r fucomip ST0,STi
df/6r fcomip ST0,STi
`;
