//! The cases: what a page shows, and what it does.

use crate::{
    chromium::Tab,
    files::{self, Made},
};
use evenkeel::page::Kind;
use evenkeel_sim::draw::{self, Mix, Size};
use serde_json::{Value, json};
use std::path::Path;

fn opened(program: &Path, made: &Made, width: u32, scheme: &str) -> Tab {
    let mut tab = Tab::open(program, width, 1000, scheme);
    tab.go(&made.file);
    tab
}

/// No errors, and no request for anything else.
fn done(tab: &mut Tab) {
    assert_eq!(tab.complaints(), Vec::<String>::new());
}

fn text(tab: &mut Tab, id: &str) -> String {
    let value = tab.eval(&format!("document.getElementById('{id}').textContent"));
    value.as_str().expect("text").to_owned()
}

fn lanes(tab: &mut Tab) -> Value {
    tab.eval("Number(document.getElementById('chart').dataset.lanes)")
}

/// Where the first mark of that kind that is drawn is, in the window.
fn place_of(tab: &mut Tab, kind: &str) -> (f64, f64) {
    let found = tab.eval(&format!(
        "(() => {{
          document.getElementById('chart').scrollIntoView({{ block: 'center' }});
          const box = canvas.getBoundingClientRect();
          const hit = hits.find((hit) => hit.all?.some((which) => marks[which][1] === KIND['{kind}']) && hit.x > gutter && hit.y < size.height - 8);
          return hit ? [box.left + hit.x, box.top + hit.y] : null;
        }})()"
    ));
    let number = |which: usize| found[which].as_f64();
    number(0)
        .zip(number(1))
        .unwrap_or_else(|| panic!("no mark of kind {kind} is drawn"))
}

fn shows_what_is_in(made: &Made, tab: &mut Tab) {
    assert_eq!(lanes(tab), json!(made.page.lanes.len()));
    assert!(!made.page.lanes.is_empty());
    let title = text(tab, "title");
    assert_eq!(title, made.page.name);
    assert_eq!(text(tab, "verdict-word"), "Well.");

    // The slider moves by keys, and the table goes with it.
    tab.eval("document.getElementById('at').focus()");
    tab.press("Home");
    let at_first = (text(tab, "executor-table"), text(tab, "group-table"));
    assert!(at_first.0.contains("none is there"), "{}", at_first.0);
    tab.press("End");
    let at_last = (text(tab, "executor-table"), text(tab, "group-table"));
    assert_ne!(at_first, at_last);
    let there = made.page.lanes.iter().filter(|lane| {
        lane.changes
            .last()
            .is_some_and(|last| !last.state.is_gone())
    });
    let there = there.count();
    assert!(
        at_last.0.contains(&format!("Executors: {there} there")),
        "{}",
        at_last.0
    );
    assert_eq!(
        tab.eval("document.querySelectorAll('#executor-table tbody tr').length"),
        json!(there)
    );
    let before = text(tab, "at-says");
    tab.press("ArrowLeft");
    assert_ne!(before, text(tab, "at-says"), "to the moment before");
    // And with the pointer.
    let slider = tab.eval("(() => { const box = document.getElementById('at').getBoundingClientRect(); return [box.left + box.width * 0.3, box.top + box.height / 2]; })()");
    tab.click(
        slider[0].as_f64().expect("x"),
        slider[1].as_f64().expect("y"),
    );
    let at = tab.eval("Number(document.getElementById('at').value)");
    let part = at.as_f64().expect("a moment") / made.page.ends.0 as f64;
    assert!((0.2..0.4).contains(&part), "{at}");

    // A mark tells on hover and on click what made it, and by which rule.
    tab.eval("setView(0, 4000)");
    tab.settle();
    let (x, y) = place_of(tab, "create");
    tab.hover(x, y);
    let tip = text(tab, "tip");
    assert!(
        tip.contains("create ") && tip.contains("(GROW-1)") && tip.contains("given: "),
        "{tip}"
    );
    tab.click(x, y);
    let detail = text(tab, "detail");
    let whole = [
        "GROW-1",
        "a shortfall is made up",
        "was given",
        "and its plan was",
    ];
    assert!(whole.iter().all(|part| detail.contains(part)), "{detail}");
    assert_eq!(
        tab.eval("document.querySelectorAll('#executor-table tr.chosen').length"),
        json!(1)
    );
}

pub fn a_story(program: &Path) {
    let made = files::of_story();
    let mut tab = opened(program, &made, 1400, "light");
    shows_what_is_in(&made, &mut tab);
    // A fault tells what struck.
    tab.eval("setView(0, data.ends)");
    tab.settle();
    let (x, y) = place_of(&mut tab, "fault");
    tab.click(x, y);
    let detail = text(&mut tab, "detail");
    assert!(
        detail.contains("storm: ") && detail.contains("As the story has it"),
        "{detail}"
    );
    done(&mut tab);
}

pub fn a_flight_record(program: &Path) {
    let made = files::of_flight();
    let mut tab = opened(program, &made, 1400, "light");
    shows_what_is_in(&made, &mut tab);
    assert!(text(&mut tab, "facts").contains("a flight record"));
    done(&mut tab);
}

pub fn light_and_dark(program: &Path) {
    let made = files::of_story();
    let mut tab = opened(program, &made, 1200, "light");
    let ground = "getComputedStyle(document.documentElement).backgroundColor";
    let canvas = "colors.panel";
    let both = |tab: &mut Tab| {
        tab.settle();
        (tab.eval(ground), tab.eval(canvas), tab.picture())
    };
    let light = both(&mut tab);
    tab.prefer("dark");
    tab.wait_for("document.documentElement.dataset.theme === 'dark'");
    let dark = both(&mut tab);
    assert!(
        light.0 != dark.0 && light.1 != dark.1 && light.2 != dark.2,
        "{} {}",
        light.0,
        dark.0
    );
    // The button has the last word: auto, light, dark.
    tab.eval("document.getElementById('theme').click()");
    assert_eq!(both(&mut tab).0, light.0);
    assert_eq!(text(&mut tab, "theme"), "Theme: light");
    tab.eval("document.getElementById('theme').click()");
    assert_eq!(both(&mut tab).0, dark.0);
    done(&mut tab);
}

pub fn a_broken_invariant(program: &Path) {
    let made = files::of_broken_story();
    let mut tab = opened(program, &made, 1200, "light");
    assert_eq!(text(&mut tab, "verdict-word"), "Broken.");
    assert!(text(&mut tab, "verdict-says").contains("S4 is broken: made up, for the page"));
    assert_eq!(text(&mut tab, "at-says"), "00:02:30.000", "it opens there");
    tab.eval("document.getElementById('at').focus()");
    tab.press("Home");
    tab.eval("document.getElementById('verdict-go').click()");
    tab.settle();
    assert_eq!(text(&mut tab, "at-says"), "00:02:30.000");
    assert_eq!(tab.eval("ui.to - ui.from"), json!(120_000));
    done(&mut tab);
}

pub fn markup_in_names(program: &Path) {
    const EVIL: &str =
        "</script><script>window.struck = 1</script><img src=x onerror='window.struck = 2'><b>";
    let made = files::of_bad_names(EVIL);
    let mut tab = opened(program, &made, 1200, "light");
    assert_eq!(text(&mut tab, "title"), EVIL);
    tab.eval("chooseLane(0); chooseMarks([marks.findIndex((mark) => mark[2] !== null)]); setAt(data.ends)");
    tab.settle();
    assert!(text(&mut tab, "executor-table").contains(EVIL));
    assert!(text(&mut tab, "near").contains(EVIL));
    assert!(text(&mut tab, "detail").contains(EVIL));
    assert_eq!(
        tab.eval("document.querySelectorAll('img, b').length"),
        json!(0)
    );
    assert_eq!(tab.eval("window.struck === undefined"), json!(true));
    // And if markup did get in, nothing of it would run.
    tab.eval("document.body.insertAdjacentHTML('beforeend', '<img src=\"data:,\" onerror=\"window.struck = 3\">')");
    tab.settle();
    assert_eq!(tab.eval("window.struck === undefined"), json!(true));
}

pub fn filters(program: &Path) {
    let made = files::of_story();
    let mut tab = opened(program, &made, 1200, "light");
    let of_group = |group: usize| {
        made.page
            .lanes
            .iter()
            .filter(|lane| lane.group == group)
            .count()
    };
    tab.eval("document.querySelector('#groups input').click()");
    tab.settle();
    assert_eq!(lanes(&mut tab), json!(of_group(1)));
    assert!(of_group(1) < made.page.lanes.len());
    assert_eq!(
        tab.eval("document.querySelectorAll('#group-table tbody tr').length"),
        json!(1)
    );
    tab.eval("document.querySelector('#groups input').click()");
    tab.settle();
    assert_eq!(lanes(&mut tab), json!(made.page.lanes.len()));
    let id = &made.page.lanes[0].id;
    tab.eval(&format!("(() => {{ const search = document.getElementById('search'); search.value = '{id}'; search.dispatchEvent(new Event('input')); }})()"));
    tab.settle();
    let matching = made
        .page
        .lanes
        .iter()
        .filter(|lane| lane.id.contains(id.as_str()));
    assert_eq!(lanes(&mut tab), json!(matching.count()));
    // Without faults none is in the list.
    let faults = "[...document.querySelectorAll('#near .hidden')].filter((kind) => kind.textContent === 'fault: ').length";
    assert!(made.page.marks.iter().any(|mark| mark.kind == Kind::Fault));
    assert_ne!(tab.eval(faults), json!(0));
    tab.eval("document.querySelector('#kinds input').click()");
    tab.settle();
    assert_eq!(tab.eval(faults), json!(0));
    done(&mut tab);
}

pub fn zoom_and_pan(program: &Path) {
    let made = files::of_story();
    let mut tab = opened(program, &made, 1200, "light");
    let view = |tab: &mut Tab| {
        let value = tab.eval("[ui.from, ui.to]");
        (
            value[0].as_f64().expect("from"),
            value[1].as_f64().expect("to"),
        )
    };
    let all = view(&mut tab);
    tab.eval("chart.focus()");
    tab.press("+");
    let near = view(&mut tab);
    assert!((near.1 - near.0) < (all.1 - all.0) * 0.6, "{near:?}");
    tab.eval("document.getElementById('earlier').click()");
    tab.settle();
    let earlier = view(&mut tab);
    assert!(earlier.0 < near.0, "{earlier:?}");
    // A drag to the left goes to later.
    let middle = tab.eval("(() => { chart.scrollIntoView({ block: 'center' }); const box = canvas.getBoundingClientRect(); return [box.left + box.width * 0.6, box.top + box.height * 0.9]; })()");
    let (x, y) = (
        middle[0].as_f64().expect("x"),
        middle[1].as_f64().expect("y"),
    );
    tab.drag(x, y, x - 150.0);
    let later = view(&mut tab);
    assert!(later.0 > earlier.0, "{later:?}");
    tab.press("0");
    assert_eq!(view(&mut tab), all);
    // Up and down choose an executor, N and P a mark.
    tab.press("ArrowDown");
    assert!(text(&mut tab, "detail").starts_with(&format!("executor {}", made.page.lanes[0].id)));
    tab.press("Home");
    tab.press("n");
    assert!(text(&mut tab, "detail").contains("was given"));
    done(&mut tab);
}

pub fn narrow(program: &Path) {
    let made = files::of_story();
    let mut tab = opened(program, &made, 390, "dark");
    let wide = tab.eval("document.documentElement.scrollWidth");
    assert!(wide.as_f64().is_some_and(|wide| wide <= 390.0), "{wide}");
    done(&mut tab);
}

pub fn accessible(program: &Path) {
    let made = files::of_story();
    let mut tab = opened(program, &made, 1200, "light");
    tab.eval("chooseMarks([0]); document.getElementById('keys').open = true");
    tab.settle();
    let all = tab.accessible();
    let asks = [
        "button",
        "checkbox",
        "slider",
        "searchbox",
        "application",
        "region",
        "table",
        "list",
        "group",
    ];
    let nameless: Vec<_> = all
        .iter()
        .filter(|(role, name)| asks[..7].contains(&role.as_str()) && name.is_empty())
        .collect();
    assert_eq!(nameless, Vec::<&(String, String)>::new());
    for role in &asks[..6] {
        assert!(all.iter().any(|(is, _)| is == role), "no {role}");
    }
    let says = tab.eval("document.getElementById('at').getAttribute('aria-valuetext')");
    assert_eq!(says, json!(text(&mut tab, "at-says")));
    done(&mut tab);
}

pub fn large(program: &Path) {
    let story = draw::story(6, Some(Size::Large), &Mix::Swarm);
    let made = files::of(&story);
    assert!(made.page.lanes.len() > 200, "{}", made.page.lanes.len());
    let mut tab = opened(program, &made, 1400, "light");
    assert_eq!(lanes(&mut tab), json!(made.page.lanes.len()));
    let drawn = tab.eval("(() => { const began = performance.now(); for (let n = 0; n < 5; n += 1) { drawChart(); showMoment(); showNear(); } return (performance.now() - began) / 5; })()");
    assert!(drawn.as_f64().is_some_and(|ms| ms < 500.0), "{drawn} ms");
    // The last rows can be scrolled to.
    tab.eval("document.getElementById('chart').scrollTop = 1e9");
    tab.settle();
    let last = tab.eval("rows.rolling[rows.rolling.length - 1].top + rows.rolling[rows.rolling.length - 1].height + rows.pinnedHeight - chart.scrollTop <= size.height");
    assert_eq!(last, json!(true));
    done(&mut tab);
}
