package main

import (
	"fmt"
	"strings"
)

// script is run_<program>.sh. Sources of the flags: the programs' own documentation; docs/gwas.md says which were run.
func (g *gwas) script(program string) string {
	return scriptHead(program) + map[string]func() string{"plink2": g.plink2Script, "regenie": g.regenieScript, "bolt": g.boltScript, "saige": g.saigeScript}[program]()
}

func scriptHead(program string) string {
	return "#!/bin/sh\n# The scan of contig-gpu gwas, by " + program + ". Paths can be set: GENO=/data/chr22 T=8 sh run_" + program + ".sh\nset -eu\ncd \"$(dirname \"$0\")\"\nT=\"${T:-2}\"\n"
}

// quoted is text for sh.
func quoted(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// geno makes the files of the genotypes the script's arguments.
func (g *gwas) geno() string {
	list := "set --"
	for _, prefix := range g.genotypePrefixes() {
		list += " " + quoted(prefix)
	}
	return "if [ -n \"${GENO:-}\" ]; then set -- \"$GENO\"; else " + list + "; fi\n"
}

// eachFile runs a command for each file of genotypes: where there are several, PART tells their results apart.
func eachFile(command string) string {
	return "K=0\nfor GENO; do\n    K=$((K + 1)); PART=\"\"; if [ $# -gt 1 ]; then PART=\".$K\"; fi\n" + command + "done\n"
}

// stepOne names the fileset that a model of the whole genome is fitted with: of several files none is it.
const stepOne = `if [ $# -gt 1 ]; then : "${STEP1:?the prefix of a PLINK 1 fileset with variants of all chromosomes, for step 1}"; fi
STEP1="${STEP1:-$1}"
`

func (g *gwas) names2(categories bool) []string {
	var out []string
	for _, c := range g.written() {
		if c.categories == categories {
			out = append(out, c.name)
		}
	}
	return out
}

func (g *gwas) plink2Script() string {
	input := map[string]string{"bed": `--bfile "$GENO"`, "pgen": `--pfile "$GENO"`, "bgen": `--bgen "$GENO.bgen" ref-first --sample "$GENO.sample"`, "vcf": `--vcf "$GENO.vcf" dosage=DS`, "gz": `--vcf "$GENO.gz" dosage=DS`, "bcf": `--bcf "$GENO.bcf" dosage=DS`}[g.genotypeFormat()]
	covariates, none := "--covar covar.txt --covar-variance-standardize", ""
	if g.table == nil {
		covariates, none = "", " allow-no-covars"
	}
	return g.geno() + `# omit-ref: effects are of ALT. The covariates are standardised, else plink2 may refuse their scales. The phenotype of the .fam is none of ours.
` + eachFile(fmt.Sprintf(`    plink2 %s --keep keep.txt --pheno features.txt --no-psam-pheno --no-input-missing-phenotype %s \
           --glm hide-covar omit-ref log10%s cols=+a1freq,+err --threads "$T" --out "plink2$PART"
`, input, covariates, none))
}

func (g *gwas) regenieScript() string {
	covariates := ""
	if g.table != nil {
		covariates = " --covarFile covar.txt"
		if names := g.names2(false); len(names) > 0 {
			covariates += " --covarColList " + strings.Join(names, ",")
		}
		if names := g.names2(true); len(names) > 0 {
			covariates += " --catCovarList " + strings.Join(names, ",")
		}
	}
	return g.geno() + "# Step 1 wants at most a million common variants that are pruned: STEP1 is their fileset. Features are transformed already: no --apply-rint.\n" + stepOne + fmt.Sprintf(`regenie --step 1 --bed "$STEP1" --keep keep.txt --phenoFile features.txt%[1]s --bsize 1000 --qt --lowmem --lowmem-prefix tmp --threads "$T" --out step1
`, covariates) + eachFile(fmt.Sprintf(`    regenie --step 2 --bed "$GENO" --keep keep.txt --phenoFile features.txt%s --qt --pred step1_pred.list --bsize 400 --minMAC 20 --threads "$T" --out "step2$PART"
`, covariates))
}

func (g *gwas) boltScript() string {
	covariates := ""
	if g.table != nil {
		covariates = " --covarFile=covar.txt"
		for _, n := range g.names2(false) {
			covariates += " --qCovarCol=" + n
		}
		for _, n := range g.names2(true) {
			covariates += " --covarCol=" + n
		}
	}
	return g.geno() + fmt.Sprintf(`# BOLT-LMM wants 5,000 persons or more and two chromosomes or more. LD and MAP are tables that it brings along.
: "${LD:?the path of LDSCORE.1000G_EUR.tab.gz}" "${MAP:?the path of genetic_map_hg19_withX.txt.gz}"
FAM="$1.fam" N=$#
for GENO in "$@"; do set -- "$@" "--bed=$GENO.bed" "--bim=$GENO.bim"; done
shift "$N"
awk 'NR == FNR { keep[$1 " " $2] = 1; next } !(($1 " " $2) in keep) { print $1, $2 }' keep.txt "$FAM" > remove.txt
for F in %s; do
    bolt --fam="$FAM" "$@" --remove=remove.txt --phenoFile=features.txt --phenoCol="$F"%s --lmmInfOnly --LDscoresFile="$LD" --geneticMapFile="$MAP" --numThreads="$T" --statsFile="$F.stats"
done
`, strings.Join(g.traits, " "), covariates)
}

func (g *gwas) saigeScript() string {
	covariates := ""
	if numbers, words := g.names2(false), g.names2(true); len(numbers)+len(words) > 0 {
		covariates = " --covarColList=" + strings.Join(append(numbers, words...), ",") // categories must stand in both lists
		if len(words) > 0 {
			covariates += " --qCovarColList=" + strings.Join(words, ",")
		}
	}
	return g.geno() + "# SAIGE reads tables with R: ids that begin with 0 lose it unless the genotypes' ids are text there too.\n" + stepOne + fmt.Sprintf(`for F in %s; do
    step1_fitNULLGLMM.R --plinkFile="$STEP1" --phenoFile=saige.txt --phenoCol="$F"%s --sampleIDColinphenoFile=IID --traitType=quantitative --invNormalize=FALSE --outputPrefix="$F" --nThreads="$T" --IsOverwriteVarianceRatioFile=TRUE
done
`, strings.Join(g.traits, " "), covariates) + eachFile(fmt.Sprintf(`    for F in %s; do
        step2_SPAtests.R --bedFile="$GENO.bed" --bimFile="$GENO.bim" --famFile="$GENO.fam" --AlleleOrder=alt-first --GMMATmodelFile="$F.rda" --varianceRatioFile="$F.varianceRatio.txt" --LOCO=FALSE --SAIGEOutputFile="$F$PART.txt"
    done
`, strings.Join(g.traits, " ")))
}
