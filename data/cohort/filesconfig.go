package cohort

import (
	"fmt"
	"slices"

	"contig-gpu/data/genofile"
	"contig-gpu/data/genotype"
)

func filesKeys() []string {
	return []string{"files", "select", "extract", "panel", "region", "bed", "count", "ref", "sample", "chrom", "dosages", "impute", "standardize", "scaling", "maf", "max_missing", "format"}
}

func (c *config) checkFiles(s *section) error {
	f := s.files
	if f.Standardize == "" {
		f.Standardize = f.Scaling
	}
	if f.Extract == "" {
		f.Extract = f.Select.extract
	}
	if f.MaxMissing == nil {
		one := 1.0
		f.MaxMissing = &one
	}
	if f.MAF < 0 || f.MAF > 0.5 {
		if err := c.faults.Take(c.bad(s.name, "maf", "maf is out of range", "0 to 0.5", fmt.Sprint(f.MAF))); err != nil {
			return err
		}
	}
	if *f.MaxMissing < 0 || *f.MaxMissing > 1 {
		if err := c.faults.Take(c.bad(s.name, "max_missing", "max_missing is out of range", "0 to 1", fmt.Sprint(*f.MaxMissing))); err != nil {
			return err
		}
	}
	for _, o := range []struct {
		key   string
		value *string
		words []string
	}{{"format", &f.Format, genofile.Formats()}, {"count", &f.Count, []string{countALT, countREF, "alt", "ref"}}, {"ref", &f.Ref, []string{refFirst, refLast}}, {"impute", &f.Impute, []string{"mean", "mode"}}, {"dosages", &f.Dosages, []string{"exact", inBytes}},
		{"standardize", &f.Standardize, []string{"2pq", "center", "none"}}} {
		if err := c.faults.Take(c.choice(s.name, o.key, o.value, o.words...)); err != nil {
			return err
		}
	}
	switch f.Count {
	case "alt":
		f.Count = countALT
	case "ref":
		f.Count = countREF
	}
	return c.checkRegions(s)
}

// checkRegions reads regions, and refuses two lists of variants.
func (c *config) checkRegions(s *section) error {
	if s.files.Panel != "" && s.files.Extract != "" {
		if err := c.faults.Take(c.bad(s.name, "panel", "the section has two lists of variants", "panel or extract", "both")); err != nil {
			return err
		}
	}
	for _, text := range s.files.Region {
		i, err := genotype.ParseRegion(text)
		if err == nil {
			s.files.regions = append(s.files.regions, i)
			continue
		}
		if err := c.faults.Take(c.bad(s.name, "region", "region in ["+s.name+"] cannot be understood", "chromosome, or chromosome:from-to", fmt.Sprintf("%q", text))); err != nil {
			return err
		}
	}
	return nil
}

// chroms returns the chromosome of each file whose variants name none; nil where data.toml does not say.
func (c *config) chroms(s *section, files int) ([]string, error) {
	var out []string
	for _, text := range s.files.Chrom {
		words, ok := braces(text)
		if !ok {
			words = []string{text}
		}
		out = append(out, words...)
	}
	if len(out) == 1 {
		out = slices.Repeat(out, files)
	}
	if out != nil && len(out) != files {
		return nil, c.bad(s.name, "chrom", "chrom names another number of chromosomes than files has files", fmt.Sprintf("one, or %d", files), fmt.Sprint(len(out)))
	}
	return out, nil
}
