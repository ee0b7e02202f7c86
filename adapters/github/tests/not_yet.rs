//! A list of who is allowed must never be ignored: a release that cannot keep it refuses it.

use github::GitHub;
use portcullis_sdk::{Adapter, Context, PlanError, Setting, SettingValue};

#[test]
fn allowed_teams_is_refused_by_name() {
    let list = ("allowed_teams", SettingValue::Texts(vec!["x".into()]));
    let settings = [("host", SettingValue::Text("https://github.com".into())), list];
    let settings = settings.into_iter().map(|(name, value)| Setting { name: name.into(), value }).collect();
    let context = Context { settings, username_attributes: Vec::new(), wanted: Vec::new() };
    let Err(PlanError::Settings(problems)) = GitHub::make_plan(&context, &[]) else { panic!("there is a plan") };
    let named: Vec<_> = problems.iter().filter_map(|problem| problem.setting.as_deref()).collect();
    assert_eq!(named, ["allowed_teams"]);
    assert!(problems[0].problem.contains("not there yet"));
}
