package table

import (
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
)

// TestNumbers: decimal numbers are read in double precision, and rounded to single they are what the decimal number rounds to.
func TestNumbers(t *testing.T) {
	for seed := range uint64(5) {
		g := rand.New(rand.NewPCG(seed, 107))
		for range 20000 {
			v := g.NormFloat64() * math.Pow(10, float64(g.IntN(20)-10))
			field := strconv.FormatFloat(v, "eEfg"[g.IntN(4)], g.IntN(18)-1, 64)
			if g.IntN(4) == 0 && v > 0 {
				field = "+" + field
			}
			want, _ := strconv.ParseFloat(field, 64)
			single, _ := strconv.ParseFloat(field, 32)
			if got, ok := Number(field); !ok || math.Abs(got-want) > math.Abs(want)*0x1p-52 || float64(float32(got)) != single {
				t.Fatalf("%s: %v %v, want %v", field, got, ok, want)
			}
			for _, bad := range spoilt(g, field) {
				if got, ok := Number(bad); ok {
					t.Fatalf("%q is taken for %v", bad, got)
				}
			}
		}
	}
}

// spoilt are forms of a number that are none.
func spoilt(g *rand.Rand, field string) []string {
	k := g.IntN(len(field)) + 1
	return []string{field[:k] + "_" + field[k:], field + "_3", "0x" + strings.TrimLeft(field, "+-") + "p1", field[:k] + "," + field[k:] + "0", field + "%", "'" + field, field + "x", "--" + field, "1." + field + ".5"}
}

// TestTies: a number just beside the middle of two of single precision is not rounded twice.
func TestTies(t *testing.T) {
	g := rand.New(rand.NewPCG(9, 9))
	for range 2000 {
		low := g.Float32() + 1
		middle := (float64(low) + float64(math.Nextafter32(low, 9))) / 2
		exact := new(big.Float).SetPrec(200).SetFloat64(middle)
		for _, side := range []float64{-1, 0, 1} {
			x := new(big.Float).SetPrec(200).Add(exact, new(big.Float).SetPrec(200).SetFloat64(side*0x1p-60))
			field := x.Text('f', 60)
			want, _ := strconv.ParseFloat(field, 32)
			if got, ok := Number(field); !ok || float64(float32(got)) != want {
				t.Fatalf("%s becomes %v, want %v", field, float32(got), want)
			}
		}
	}
}

// TestNotNumber: words that are values, and why others are none.
func TestNotNumber(t *testing.T) {
	for field, want := range map[string]float64{"TRUE": 1, "true": 1, "True": 1, "FALSE": 0, "False": 0, "5.": 5, ".5": 0.5, "-0": 0, "1E+2": 100} {
		if got, ok := Number(field); !ok || got != want {
			t.Errorf("%q: %v %v", field, got, ok)
		}
	}
	for field, cause := range map[string]string{"1,5": "decimal comma", "-0,25": "decimal comma", "1.234,5": "thousands", "1,234,567": "thousands", "1'234.5": "thousands", "yes": "yes or no", "N": "yes or no", "2020-01-31": "date", "31/01/2020": "date",
		"2020-01-31T10:00:00Z": "date", "12:30:10": "date", "50%": "percentage", "\u22121.5": "minus sign", "12_3": "underscore", "0x1p3": "hexadecimal", "-0X1F": "hexadecimal", "Inf": "division by zero", "#DIV/0!": "division by zero", "1e99": "single precision", "high": "text", "e": "text", "-": "text"} {
		if v, ok := Number(field); ok {
			t.Errorf("%q is taken for %v", field, v)
		}
		p := NotNumber("t", 1, "c", field)
		if !strings.Contains(p.Cause, cause) || p.Fix == "" || p.Code != 107 {
			t.Errorf("%q: %s, want %s", field, p.Cause, cause)
		}
	}
}

// TestIDs: persons are pairs of ids, placeholders may repeat, and forms that programs give to ids are told apart.
func TestIDs(t *testing.T) {
	ids := IDs{Path: "t"}
	for i, p := range [][2]string{{"A_1", "2"}, {"A", "1_2"}, {"", "A_1_2"}, {"-1", "-1"}, {"-1", "-1"}, {"", "-7"}, {"", "-7"}, {"a", "b"}, {"b", "a"}} {
		if err := ids.AddPerson(p[0], p[1], i+1); err != nil {
			t.Error(err)
		}
	}
	wantCode(t, ids.AddPerson("A", "1_2", 20), 120, 20)
	wantCode(t, ids.AddPerson("", "A_1_2", 21), 120, 21)
	g := rand.New(rand.NewPCG(2, 2))
	for range 3000 {
		n := g.IntN(1e7) + 1
		for _, good := range []string{fmt.Sprint(n), fmt.Sprint("00", n), fmt.Sprintf("1.2.826.%d.7+", n), fmt.Sprintf("%de6", n), fmt.Sprintf("%d.5", n), fmt.Sprint("-", n), fmt.Sprint("NA", n), fmt.Sprintf("%d+1", n), fmt.Sprintf("1.%dE", n), fmt.Sprint("v", n, ".0")} {
			if err := CheckID("t", 1, good); err != nil {
				t.Fatal(err)
			}
		}
		for _, bad := range []string{fmt.Sprint(n, ".0"), fmt.Sprint("-", n, ".00"), fmt.Sprintf("%d.5e+06", n), fmt.Sprintf("%de+06", n), fmt.Sprintf("1.%dE6", n), fmt.Sprint(n, " ", n)} {
			wantCode(t, CheckID("t", 1, bad), 102, 1)
		}
	}
}
