package report

// style is of all pages about runs: light and dark, paper and phone.
const style = `
:root{color-scheme:light dark;--ink:#1c1c1c;--soft:#555;--paper:#fff;--box:#f5f5f5;--rule:#d4d4d4;--link:#00508c;--c0:#0072b2;--c1:#b34a00;--c2:#007a59;--c3:#a23b78;--c4:#6a51a3}
@media (prefers-color-scheme:dark){:root{--ink:#ececec;--soft:#b4b4b4;--paper:#161616;--box:#242424;--rule:#4a4a4a;--link:#8cc8ff;--c0:#56b4e9;--c1:#ff9d4d;--c2:#2cc69a;--c3:#f08bc2;--c4:#b9a5f0}}
*{box-sizing:border-box}body{font:16px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);max-width:1060px;margin:0 auto;padding:0 1rem 3rem}
h1{font-size:1.6rem;margin:1rem 0 .3rem;overflow-wrap:anywhere}h2{font-size:1.2rem;margin:2.2rem 0 .6rem;border-bottom:1px solid var(--rule)}h3{font-size:1rem;margin:1rem 0 .3rem}section,dt[id]{scroll-margin-top:3rem}
a{color:var(--link)}:focus-visible{outline:3px solid var(--link);outline-offset:2px}.skip{position:absolute;left:-99rem}.skip:focus{left:0;background:var(--paper);padding:.5rem}
nav{position:sticky;top:0;z-index:1;background:var(--paper);border-bottom:1px solid var(--rule);padding:.4rem 0;overflow-x:auto;white-space:nowrap}nav a{margin-right:1rem}
.verdict{font-size:1.15rem;font-weight:600}.status{color:var(--soft)}
dl.facts{display:grid;grid-template-columns:max-content 1fr;gap:.1rem 1rem;margin:.5rem 0}dl.facts dt{color:var(--soft)}dl.facts dd{margin:0;overflow-wrap:anywhere}
.cards,.panels{display:grid;gap:1rem;grid-template-columns:repeat(auto-fit,minmax(min(100%,230px),1fr))}.panels{grid-template-columns:repeat(auto-fill,minmax(min(100%,300px),1fr))}
.card{border:1px solid var(--rule);border-left:6px solid var(--ink);border-radius:4px;padding:.6rem .9rem;background:var(--box)}.card h3{margin:0;overflow-wrap:anywhere}.card p{margin:.15rem 0}.card .word{font-size:1.05rem;font-weight:600}
.m{--m:var(--ink)}.m0{--m:var(--c0)}.m1{--m:var(--c1)}.m2{--m:var(--c2)}.m3{--m:var(--c3)}.m4{--m:var(--c4)}.card.m{border-left-color:var(--m)}
.o{--m:var(--c0)}.o0{opacity:.25}.o1{opacity:.45}.o2{opacity:.7}.o4{--m:var(--c1)}.o3{--m:var(--c3)}
figure{margin:0;position:relative;break-inside:avoid}figcaption{font-weight:600;overflow-wrap:anywhere}svg{display:block;width:100%;height:auto}svg.defs{position:absolute;width:0;height:0}svg text{font-size:12px;fill:var(--soft)}svg .e{text-anchor:end}svg .c{text-anchor:middle}
.grid{stroke:var(--rule);fill:none}.level{stroke:var(--ink);stroke-width:1.5;stroke-dasharray:1.5 3}.best{stroke:var(--soft);stroke-width:1.2}.resumed{stroke:var(--ink);stroke-width:2.5}.hair{stroke:var(--ink)}.line{fill:none;stroke:var(--m);stroke-width:2}.line.thin{stroke-width:1;opacity:.75}.line.dash{stroke-dasharray:6 3}
svg .k{fill:var(--m)}svg .d0,svg .d1{stroke:var(--m);stroke-width:5;stroke-linecap:round}svg .d1{stroke-width:4.4;stroke-linecap:square}svg .h,.h path{fill:var(--paper);stroke:var(--m);stroke-width:1.5}marker.k{fill:var(--m)}.span{stroke:var(--m);stroke-width:2.5}.chance{stroke:var(--ink);stroke-width:2.5}
svg .r0{--m:var(--c0)}svg .r1{--m:var(--c1)}svg .r2{--m:var(--c2)}svg .r3{--m:var(--c3)}svg .r4{--m:var(--c4)}
figure output{position:absolute;bottom:0;left:0;right:0;font-size:.82rem;line-height:1.3;color:var(--ink);background:var(--box);overflow-wrap:anywhere}figure output:empty{display:none}.key{display:inline-block;margin-right:1rem;font-size:.9rem}.key svg{display:inline-block;width:.9em;height:.9em;margin-right:.3em}
.scroll{overflow-x:auto}table{border-collapse:collapse;font-variant-numeric:tabular-nums}caption{text-align:left;color:var(--soft)}td,th{padding:.2rem .7rem;text-align:right;border-bottom:1px solid var(--rule)}td.t,th{white-space:nowrap}td.t,th.t,th[scope=row]{text-align:left}td.wrap{white-space:normal}code{font-size:.8rem}
.bar{display:block;height:.9rem;background:var(--c0)}.ranks .bar{height:.4rem}.ranks td{width:50%}.bars td:last-child{width:40%;min-width:6rem;text-align:left}.bars .dot{text-align:center;padding:.2rem .35rem}.no{color:var(--soft)}.turn{vertical-align:bottom;padding:.2rem .35rem}.turn span{writing-mode:vertical-rl;transform:rotate(180deg)}
ol.flow{list-style:none;padding:0;margin:.5rem 0;display:flex;flex-wrap:wrap;gap:0 .6rem}.flow li{flex:1 0 100%;border:1px solid var(--rule);background:var(--box);border-radius:4px;padding:.4rem .8rem;margin-bottom:1.3rem;position:relative;display:flex;flex-wrap:wrap;gap:0 1rem}.flow li.less{border-left:6px solid var(--c1)}.flow li:not(.part):after{content:"↓";position:absolute;left:1.2rem;bottom:-1.45rem;color:var(--soft)}.flow b{flex:0 0 15rem}.flow .part{flex:1 0 8rem}.flow .part b{flex:1 0 auto}
.stack{display:flex;height:1.1rem;gap:1px}.stack span,.swatch{background:var(--m)}.swatch{display:inline-block;width:.8em;height:.8em;margin-right:.3em}
pre{background:var(--box);padding:.8rem;overflow:auto;font-size:.82rem}summary{cursor:pointer;padding:.3rem 0}.images img,.thumbs img{width:128px;height:128px;object-fit:cover;margin:2px}.note,.data{color:var(--soft)}.data{font-size:.85rem;margin:.3rem 0}.warn{border-left:6px solid var(--c1);padding-left:.7rem}button{font:inherit;color:var(--ink);background:var(--box);border:1px solid var(--soft);border-radius:4px;padding:.2rem .7rem}
@media (max-width:600px){.forest{display:none}.flow b{flex-basis:100%}}
@media (prefers-reduced-motion:no-preference){html{scroll-behavior:smooth}}
@media print{:root{color-scheme:light}nav,.skip,button,.data,output{display:none!important}table{font-size:7pt;max-width:100%}td,th{padding:.1rem .25rem;white-space:normal!important}pre{font-size:7pt;columns:2}body{max-width:none;font-size:9pt}.cards{grid-template-columns:repeat(3,1fr)}.panels{grid-template-columns:repeat(3,1fr)}details::details-content{content-visibility:visible;block-size:auto}pre{white-space:pre-wrap;overflow:visible}.scroll{overflow:visible}.card,tr,.flow li,.stack{break-inside:avoid}h2,h3{break-after:avoid}thead{display:table-header-group}.bar,.stack span,.swatch{print-color-adjust:exact}}
`
