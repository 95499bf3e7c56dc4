package report

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"contig-gpu/model/eval"
)

// All is the key of what all modalities find together, in metrics.jsonl.
const All = "all"

// A Finding is what one evaluation tells of a modality, or of all together.
type Finding struct {
	Name    string
	Verdict eval.Verdict
	eval.Retrieval
}

// Findings returns those of an evaluation by name, and all together last.
func Findings(found map[string]eval.Retrieval) []Finding {
	names := slices.Sorted(maps.Keys(found))
	slices.SortStableFunc(names, func(a, b string) int {
		switch {
		case a == b:
			return 0
		case a == All:
			return 1
		case b == All:
			return -1
		}
		return 0
	})
	var out []Finding
	for _, name := range names {
		out = append(out, Finding{name, found[name].Verdict(), found[name]})
	}
	return out
}

// chance10 returns the chance of R@10, of older metrics too.
func (f Finding) chance10() float64 {
	if f.Candidates == 0 {
		return 0
	}
	return min(1, 10/float64(f.Candidates))
}

// Line says it in a sentence, without the name.
func (f Finding) Line() string {
	if f.Candidates == 0 {
		return "no held-out participant has it"
	}
	verdict := "no verdict"
	if f.Verdict != eval.Unknown {
		verdict = string(f.Verdict)
	}
	of := func(name string, chance float64, value func(eval.Direction) (float64, eval.Interval)) string {
		a, ai := value(f.ImageToGenetics)
		b, bi := value(f.GeneticsToImage)
		return fmt.Sprintf("%s %s image to genetics, %s back (%.1f and %.1f times chance)", name, withInterval(a, ai), withInterval(b, bi), Times(a, chance), Times(b, chance))
	}
	return fmt.Sprintf("%s: %s; %s; %d candidates", verdict,
		of("recall@10", f.chance10(), func(d eval.Direction) (float64, eval.Interval) { return d.R10, d.R10Interval }),
		of("recall@1", f.ChanceR1, func(d eval.Direction) (float64, eval.Interval) { return d.R1, d.R1Interval }), f.Candidates)
}

// withInterval writes a share with its interval, where there is one.
func withInterval(v float64, i eval.Interval) string {
	if i.High == 0 {
		return fmt.Sprintf("%.3f", v)
	}
	return fmt.Sprintf("%.3f (%.3f-%.3f)", v, i.Low, i.High)
}

// Lines says of each finding its name and its sentence, in columns.
func Lines(found map[string]eval.Retrieval) []string {
	var out []string
	all := Findings(found)
	width := 0
	for _, f := range all {
		width = max(width, len([]rune(f.Name)))
	}
	for _, f := range all {
		out = append(out, fmt.Sprintf("  %-*s  %s", width, f.Name, f.Line()))
	}
	return out
}

// Short says in a few words how often the person was among the first ten, both ways, by each modality: for the lines of a log.
func Short(found map[string]eval.Retrieval) string {
	var parts []string
	chance := 0.0
	for _, f := range Findings(found) {
		if f.Candidates > 0 {
			parts = append(parts, fmt.Sprintf("%s %.2f/%.2f", f.Name, f.ImageToGenetics.R10, f.GeneticsToImage.R10))
			chance = f.chance10()
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return fmt.Sprintf("recall@10 image to genetics/back: %s (chance %.2f)", strings.Join(parts, ", "), chance)
}

// SetsText says the losses over sets of the same size, and that of chance.
func SetsText(sets map[string]eval.SetLoss) string {
	var parts []string
	var last eval.SetLoss
	for _, name := range slices.Sorted(maps.Keys(sets)) {
		if s := sets[name]; s.Candidates > 0 {
			parts, last = append(parts, fmt.Sprintf("%s %.2f", name, s.Loss)), s
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return fmt.Sprintf("loss among %d: %s (chance %.2f)", last.Candidates, strings.Join(parts, ", "), last.Chance)
}

// learntByHeart is the share of the loss of chance below which a training loss says that the training persons are known, while
// others are not.
const learntByHeart = 0.5

// Memorised names the modalities whose training loss went far below chance's while that of validation, at the last one, is not
// below it: what was learnt is the training persons, not what they have in common with others. Each is a warning, W701.
func Memorised(rows []Row) []string {
	checks, steps := Of(rows, "validation"), Of(rows, "step")
	if len(checks) == 0 || len(steps) == 0 {
		return nil
	}
	last := checks[len(checks)-1]
	var out []string
	for _, name := range slices.Sorted(maps.Keys(last.Sets)) {
		s := last.Sets[name]
		if known, ok := trainingShare(steps, name, last.Step); ok && s.Candidates > 0 && known < learntByHeart && s.Loss >= s.Chance {
			word := "memorised"
			if v := last.Retrieval[name].Verdict(); v == eval.Learnt || v == eval.OneWay {
				word = "overfitted, though something was learnt"
			}
			out = append(out, fmt.Sprintf("W701: %s: %s: the training loss is %.0f %% of chance's, that of validation %.2f, not below chance (%.2f)", name, word, 100*known, s.Loss, s.Chance))
		}
	}
	return out
}

// trainingShare returns a modality's training loss as a share of that of chance, the mean over the epoch that ends at a step.
func trainingShare(steps []Row, name string, at int) (share float64, ok bool) {
	epoch, sum, n := 0, 0.0, 0.0
	for _, s := range slices.Backward(steps) {
		if s.Step > at {
			continue
		}
		if epoch == 0 {
			epoch = s.Epoch
		}
		if s.Epoch != epoch {
			break
		}
		if v, ok := ofChance(s.Losses[name]); ok {
			sum, n = sum+v, n+1
		}
	}
	return sum / max(1, n), n > 0
}

// ofChance returns a step's loss as a share of that of chance, ln of the rows that have the modality.
func ofChance(l Loss) (float64, bool) {
	if l.Present < 2 {
		return math.NaN(), false
	}
	return l.Loss / math.Log(l.Present), true
}

// Verdicts returns those of the last evaluation of a run by modality, without all together: for lists.
func Verdicts(rows []Row) map[string]string {
	out := map[string]string{}
	if shown := shownRows(rows); len(shown) > 0 {
		for _, f := range Findings(shown[len(shown)-1].Retrieval) {
			if f.Name != All && f.Verdict != eval.Unknown {
				out[f.Name] = string(f.Verdict)
			}
		}
	}
	return out
}
