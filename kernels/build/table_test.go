package main

import (
	"slices"
	"strings"
	"testing"
)

const sass = `
.text.wide_bf16:
        /*0000*/                   MOV R1, c[0x0][0x28] ;
.L_x_0:
        /*0010*/              @!P0 LDG.E.U16.CONSTANT R4, desc[UR6][R4.64] ;
        /*0020*/               @P0 BRA ` + "`(.L_x_0)" + ` ;
.L_x_1:
        /*0030*/                   IADD3 R2, R2, 0x1, RZ ;
.L_x_2:
        /*0040*/                   LDG.E.128 R8, desc[UR6][R4.64] ;
        /*0050*/              @!P1 LDG.E.128.CONSTANT R12, desc[UR6][R4.64+0x10] ;
        /*0060*/                   NOP ;
        /*0070*/                   HFMA2.BF16_V2 R8, R8, 1, 1, R12 ;
        /*0080*/                   STG.E.64 desc[UR6][R6.64], R8 ;
        /*0090*/              @!P0 BRA ` + "`(.L_x_2)" + ` ;
        /*00a0*/               @P0 BRA ` + "`(.L_x_1)" + ` ;
        /*00b0*/                   EXIT ;
.text.none_f32:
        /*0000*/                   EXIT ;
`

// TestHotLoop: of a kernel's loops the innermost that moves 16 bytes at a time counts, without what does nothing.
func TestHotLoop(t *testing.T) {
	all, err := parseSASS(sass)
	if err != nil || len(all) != 2 {
		t.Fatalf("%d kernels, error %v", len(all), err)
	}
	l := all["wide_bf16"].hot()
	if l.instructions != 5 || widths(l.loads) != "2x128" || widths(l.stores) != "1x64" {
		t.Errorf("the loop has %d instructions, loads %v, stores %v", l.instructions, l.loads, l.stores)
	}
	if l := all["none_f32"].hot(); l.instructions != 0 {
		t.Errorf("a kernel without loops has one of %d instructions", l.instructions)
	}
	if _, err := parseSASS("nothing"); err == nil {
		t.Error("no kernel, and no error")
	}
}

// TestOccupancy has values of the vendor's occupancy calculator: registers, shared memory, warps and blocks as the limit.
func TestOccupancy(t *testing.T) {
	for _, c := range []struct{ registers, shared, threads, arch, blocks, percent int }{
		{32, 0, 256, 90, 8, 100},
		{106, 0, 256, 90, 2, 25},
		{80, 0, 256, 90, 3, 38},
		{81, 0, 256, 90, 2, 25}, // 88 are given out
		{16, 0, 32, 80, 32, 50},
		{32, 50 << 10, 256, 80, 3, 38},
		{32, 50 << 10, 256, 90, 4, 50},
		{58, 8448, 1024, 90, 1, 50},
	} {
		r := resource{usage{c.registers, c.shared}, c.threads}
		if b, p := r.blocks(c.arch), r.occupancy(c.arch); b != c.blocks || p != c.percent {
			t.Errorf("%d registers, %d bytes, %d threads on sm_%d: %d blocks, %d %%, want %d, %d %%", c.registers, c.shared, c.threads, c.arch, b, p, c.blocks, c.percent)
		}
	}
}

// TestWorse: a table that a row was written to is read back; what is worse than it is found, what is better is not.
func TestWorse(t *testing.T) {
	of := func(name string, registers, instructions int) row {
		r := row{name: name, use: map[int]resource{}, elements: 32, hot: loop{instructions: instructions, loads: map[string]int{"128": 4}}}
		for _, arch := range imageArchs() {
			r.use[arch] = resource{usage{registers, 0}, 256}
		}
		return r
	}
	recorded, err := readTable("text\n" + tableBegins + "\n" + tableHead + of("a_forward_bf16", 80, 320).String() + of("b_forward_f16", 80, 320).String() + tableEnds + "\n" + of("old_f32", 1, 1).String())
	if err != nil || len(recorded) != 2 {
		t.Fatalf("%d rows, error %v", len(recorded), err)
	}
	for _, c := range []struct {
		rows []row
		want string // in the faults; "": there are none
	}{
		{[]row{of("a_forward_bf16", 64, 300), of("b_forward_f16", 80, 340)}, ""},
		{[]row{of("a_forward_bf16", 81, 320), of("b_forward_f16", 80, 320)}, "25 % of the warps of sm_80, had 38 %"},
		{[]row{of("a_forward_bf16", 80, 360), of("b_forward_f16", 80, 320)}, "takes 11.2 instructions an element, took 10.0"},
		{[]row{of("a_forward_bf16", 80, 320)}, "b_forward_f16 is in the table, but no kernel"},
		{[]row{of("a_forward_bf16", 80, 320), of("b_forward_f16", 80, 320), of("c_f32", 1, 1)}, "c_f32 is not in the table"},
	} {
		got := worse(c.rows, recorded)
		if c.want == "" && len(got) > 0 || c.want != "" && !slices.ContainsFunc(got, func(s string) bool { return strings.Contains(s, c.want) }) {
			t.Errorf("faults %v, want %q", got, c.want)
		}
	}
	if _, err := readTable("no marks"); err == nil {
		t.Error("a text without a table, and no error")
	}
}
