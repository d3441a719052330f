import json

from conftest import *


def test_explore(kglm, tmp_path, trained, compiled, csqa, quick, tiny_encoder, data_dir):
    good = tmp_path/"in"; good.mkdir()
    rows=[{"id":f"q{i}","answerKey":"A","question":{"stem":f"what {i}?","choices":[{"label":"A","text":"knife"},{"label":"B","text":"saw"}]}} for i in range(4)]
    def jl(name, lines):
        p=good/name; p.write_text("\n".join(lines)+"\n"); return p
    ok=jl("ok.jsonl",[json.dumps(r) for r in rows])
    for s in ("train","dev","test"):
        jl(s+".jsonl",[json.dumps({**r,"id":s+r["id"],"question":{**r["question"],"stem":s+r["question"]["stem"]}}) for r in rows])
    bad=jl("bad.jsonl",[json.dumps(rows[0]),'{"id": 3'])
    bad2=jl("bad2.jsonl",[json.dumps(rows[0]),'{"id": "x", "question": {"stem": "a", "choices": []}}'])
    (good/"bin.jsonl").write_bytes(b"\xff\xfe\x00abc\n")
    (good/"empty.jsonl").write_text("")
    (good/"g.tsv").write_text("knife\tUsedFor\tcut\nbroken\n")
    (good/"onlybad.tsv").write_text("knife\n")
    (good/"graph.foo").write_text("knife")
    (good/"bad.ttl").write_text("this is not turtle")
    (good/"map.tsv").write_text("a\tb\n")
    other=tmp_path/"in"/"other"
    from kglm.kg import GraphRecipe
    (good/"o.tsv").write_text("knife\tUsedFor\tcut\n")
    GraphRecipe(name="o",source=str(good/"o.tsv")).compile(other)
    files=("task=files",f"task.train={good}/train.jsonl",f"task.dev={good}/dev.jsonl",f"task.test={good}/test.jsonl")
    T=("train",*quick,"run_dir=run")
    C=("train",*csqa,"run_dir=run")
    ans=("answer","what cuts?","-c","knife","-c","saw","--model",trained)
    cases={
     "noexp":("train","experiment=everyday_kagnett"),
     "noov":(*T,"trainer.max_step=3"), "noov2":(*T,"foo=1"), "plus":(*T,"+foo=1"), "plus2":(*T,"+trainer.foo=1"),"plus3":(*T,"+encoder.options.attention_dropout=0.1"),"plus4":(*T,"+task.foo=1"),
     "plus5":(*T,"reasoner=kagnet","+reasoner.options.foo=1"),
     "plus6":(*T,"+nogroup=x"), "plus7":(*T,"+graph.foo=1","reasoner=kagnet"), "plus7none":(*T,"+graph.foo=1"),
     "nogroup":(*T,"graph=conceptnett"), "syntax":(*T,"trainer.max_steps=[1"), "syntax2":(*T,"trainer"), "val":(*T,"trainer.max_steps=x"),"val2":(*T,"trainer.schedule=linea"),
     "val3":(*T,"seed=x"),"val4":(*T,"seed=-1"),"val5":(*T,"linker.max_words=x","reasoner=kagnet"),"val6":(*T,"reasoner=kagnet","reasoner.schema.max_hops=x"),"val7":(*T,"task=csqa","task.dev_size=x"),
     "val8":(*T,"max_length=4"),"val9":(*T,"max_length=1000"), "val10":(*T,"report_splits=dev"),"val11":(*T,"report_splits=[foo]"),"val12":(*T,"report_splits=null"),"val13":(*T,"workers=0"),
     "val14":(*T,"encoder.freeze_word_embeddings=3"),"val15":(*T,"encoder.options=3"),"val16":(*T,"reasoner=kagnet","reasoner.options=3"),"val17":(*T,"graph.max_rejected=x","reasoner=kagnet"),
     "val18":(*T,"trainer=3"),"val19":(*T,"task.train=3"), "val20":(*T,"reasoner.name=foo"), "val21":(*T,"name=null"), "val22":(*T,"name=a/b"),"val23":(*T,"encoder.name=null"),
     "val24":(*T,"trainer.selection_metric=f1"), "val25":(*T,"~trainer.max_steps"), "val26":(*T,"~graph"), "val27":(*T,"~seed"), "val28":(*T,"reasoner=kagnet","graph.format=rdf"),
     "val29":(*T,"reasoner=kagnet","reasoner.options.gcn_dims=3"),"val30":(*T,"reasoner=kagnet","reasoner.options.gcn_dims=[]"),
     "kind":(*T,"task.kind=foo"), "relmap":(*C,"graph.relation_map=nope.tsv"), "relmap2":(*C,f"graph.relation_map={good}/map.tsv"),
     "taskmissing":(*T,"task=files"), "taskmissing2":(*T,"task=files","task.train=a.jsonl","task.dev=b.jsonl","task.test=c.jsonl"),
     "csqamissing":(*C,"paths.data_dir=/nowhere"), "badq":(*T,*files,f"task.train={bad}"),"badq2":(*T,*files,f"task.train={bad2}"),
     "gline":(*T,*files,"reasoner=kagnet","graph=file",f"graph.source={good}/g.tsv","graph.max_rejected=0"),
     "gonlybad":(*T,*files,"reasoner=kagnet","graph=file",f"graph.source={good}/onlybad.tsv"),
     "gmissing":(*T,*files,"reasoner=kagnet","graph=file",f"graph.source={good}/gg.tsv"),
     "gnosource":(*T,*files,"reasoner=kagnet","graph=file"),
     "gfmt":(*T,*files,"reasoner=kagnet","graph=file",f"graph.source={good}/graph.foo"),
     "gttl":(*T,*files,"reasoner=kagnet","graph=file",f"graph.source={good}/bad.ttl"),
     "gdir":(*T,*files,"reasoner=kagnet","graph=file",f"graph.source={tiny_encoder}"),
     "runfile":(*T,f"run_dir={good}/ok.jsonl"),
     "enc":(*T,"encoder.name=/nowhere/x"),"enc2":(*T,f"encoder.name={good}"),
     "evalmiss":("evaluate",), "eval0":("evaluate","model=nope"),"evalsplit":("evaluate",f"model={trained}","split=foo"),
     "evalgraph":("evaluate",f"model={trained}",f"graph={other}"),"evalgraph2":("evaluate",f"model={trained}","graph=nope"),"evalgraph3":("evaluate",f"model={trained}","graph=everyday"),
     "evaltask":("evaluate",f"model={trained}","task=foo"),"evalbs":("evaluate",f"model={trained}","batch_size=0"),"evalpred":("evaluate",f"model={trained}",f"predictions={good}"),
     "evalkind":("evaluate",f"model={trained}","task.kind=foo"),"evalmodel":("evaluate","model=3"),"evalsplit2":("evaluate",f"model={trained}","split=null"),
     "agraph":(*ans,"--graph",other),"agraph2":(*ans,"--graph","nope"),"amodel":(*ans[:-1],"nope"),"one":("answer","q?","-c","a","--model",trained),
     "none":("answer","q?","--model",trained),
     "eleven":("answer","q?",*[x for i in range(11) for x in ("-c",f"c{i}")],"--model",trained),
     "emptyq":("answer"," ","-c","a","-c","b","--model",trained),"emptyc":("answer","q","-c","a","-c"," ","--model",trained),"twice":("answer","q","-c","a","-c","A","--model",trained),
     "plot":(*ans,"--plot","x.gif"),"plot2":(*ans,"--plot","nodir/x.png"),"plot3":(*ans,"--plot",good),"plotfile":(*ans,"--plot",f"{ok}/x.png"),
     "paths0":(*ans,"--paths","0"),"noopt":(*ans,"--foo"),"nocmd":("foo",),"empty":(),"help":("--help",),
     "pmiss":("predict","nope.jsonl","out.jsonl","--model",trained),"pbad":("predict",bad,"out.jsonl","--model",trained),"pbin":("predict",good/"bin.jsonl","out.jsonl","--model",trained),
     "pempty":("predict",good/"empty.jsonl","out.jsonl","--model",trained),"pdir":("predict",good,"out.jsonl","--model",trained),"poutdir":("predict",ok,good,"--model",trained),"poutfile":("predict",ok,ok/"x","--model",trained),
     "pgz":("predict",good/"x.jsonl.gz","out.jsonl","--model",trained),
     "modelisfile":("answer","q?","-c","a","-c","b","--model",ok),"modelenc":("answer","q?","-c","a","-c","b","--model",tiny_encoder),
     "sur":("answer","q \udcff?","-c","a","-c","b","--model",trained,"--json"), "surchoice":("answer","q ?","-c","a\udcff","-c","b","--model",trained),
     "mrun":("train","-m","experiment=csqa_text,foo",*csqa[1:]),"mrun2":("train","-m","seed=0,x",*T[1:-1]),"hflag":("train","--foo"),"multieq":("train","seed=0,1"),
    }
    import os
    only=os.environ.get("ONLY")
    for name,args in cases.items():
        if only and name not in only.split(","): continue
        before={str(p) for p in tmp_path.rglob("*")}
        print(f"=== {name}: {' '.join(map(str,[a for a in args if a not in quick and a not in csqa]))[:150]!r}")
        try:
            o=kglm(*args)
        except BaseException as e:
            print("   !!!! ESCAPED", type(e).__name__, str(e)[:600]); continue
        bad_=o.code not in(1,2)
        print("   code",o.code, "!!!!" if bad_ else "", "OUT:",o.out[:150].replace(chr(10)," | "))
        print("   err:",o.err[-700:].strip())
        new={str(p) for p in tmp_path.rglob("*")}-before
        if new: print("   !!!! NEW",sorted(os.path.relpath(n,tmp_path) for n in new)[:6])
        import shutil; shutil.rmtree(tmp_path/"run",ignore_errors=True)
