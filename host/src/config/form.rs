//! What a name of the configuration is to people and to the schema: its form, its default, a sentence. `names.rs` has them all.

/// A name that may be written in a mapping.
#[derive(Debug)]
pub(super) struct Name {
    pub(super) name: &'static str,
    /// For whoever writes the file: what it does, in a sentence or two.
    pub(super) about: &'static str,
    pub(super) form: Form,
    /// What holds where it is left out, as it would stand in YAML.
    pub(super) default: Option<&'static str>,
    /// As it would stand in YAML.
    pub(super) example: Option<&'static str>,
    /// Whether it must be there.
    pub(super) required: bool,
}

/// What can be written under a name. In the place of each text, flag, word or number, `${NAME}` can stand.
#[derive(Debug)]
pub(super) enum Form {
    /// A text that is not blank.
    Text,
    /// A text that this regular expression finds something in.
    Like(&'static str),
    /// A text, or `file:path`.
    Secret,
    /// `true` or `false`.
    Flag,
    /// `300ms`, `5s`, `2m`, `1h`.
    Duration,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// One of these numbers, in quotes or not.
    Number(&'static [&'static str]),
    /// A list of these, with so many members at least.
    List(&'static Form, usize),
    /// A mapping with these names.
    Mapping(&'static [Name]),
    /// A mapping with names of the operator's own.
    Named(&'static Form),
    /// One of several forms.
    Either(&'static [Form]),
    /// The stem of an adapter's file.
    Adapter,
    /// A mapping with the names that the adapter describes, and the client's.
    Settings,
    /// One of `providers`: its settings are those of its adapter.
    Provider,
    /// One of `routes`: exactly one of `providers` and `public: true`.
    Route,
}

impl Name {
    pub(super) const fn new(name: &'static str, form: Form, about: &'static str) -> Self {
        Self { name, about, form, default: None, example: None, required: false }
    }

    pub(super) const fn default(mut self, default: &'static str) -> Self {
        self.default = Some(default);
        self
    }

    pub(super) const fn example(mut self, example: &'static str) -> Self {
        self.example = Some(example);
        self
    }

    pub(super) const fn required(mut self) -> Self {
        self.required = true;
        self
    }
}

/// So that a list of them says which names a mapping may have.
impl From<&'static Name> for &'static str {
    fn from(name: &'static Name) -> Self {
        name.name
    }
}
