use portcullis_core::problem::Problems;
use portcullis_core::tree;
use std::time::Instant;
#[test]
fn x() {
    for (name, make) in [("names", (|n: usize| (0..n).map(|i| format!("{i:05x}x: 1\n")).collect::<String>()) as fn(usize) -> String), ("items", |n| format!("a:\n{}", "- b\n".repeat(n*2))), ("flow", |n| format!("a: [{}b]", "b, ".repeat(n*3)))] {
        for n in [1800, 7200, 28800, 100000] {
            let text = make(n);
            let (mut a, mut b, mut c) = (f64::MAX, f64::MAX, f64::MAX);
            for _ in 0..5 {
                let t = Instant::now();
                let mut p = serde_yaml::Parser::new_from_str(&text);
                let mut k = 0;
                while let Some(Ok(_)) = p.next_event() { k += 1; }
                std::hint::black_box(k);
                a = a.min(t.elapsed().as_secs_f64());
                let t = Instant::now();
                let mut problems = Problems::new("x");
                let root = tree::parse(text.as_bytes(), &mut problems).unwrap();
                b = b.min(t.elapsed().as_secs_f64());
                let at = tree::At::new(&root, "");
                let t = Instant::now();
                if let Some(w) = at.mapping(["listen", "providers"], &mut problems) { w.finish(&mut problems); }
                c = c.min(t.elapsed().as_secs_f64());
            }
            println!("{name} {n} {} bytes: events {:.1} us/KB, tree {:.1}, walk {:.1}", text.len(), a*1e6/text.len() as f64*1024., b*1e6/text.len() as f64*1024., c*1e6/text.len() as f64*1024.);
        }
    }
}
