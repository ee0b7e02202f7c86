//! How much there is to compile in a component, found out before any of it is compiled or validated.
//!
//! A compiler's memory and time grow with more than the length of what it is given: with every jump, each local variable of the
//! function may have to be carried over (a phi node). Here it is counted in time linear to the file, and refused where it is beyond
//! what any real adapter has. What passes is compiled in a process with limits of its own all the same.

use super::limits;
use wasmparser::{
    BinaryReaderError, ComponentInstance, CompositeInnerType, CoreType, FunctionBody, Instance, ModuleTypeDeclaration,
    Operator, Payload, RecGroup,
};

/// More of something than an adapter may have, or bytes that are no WebAssembly.
#[derive(Debug)]
pub(super) enum Flaw {
    /// What, how much, and the limit.
    TooMuch(&'static str, u64, u64),
    /// The parser's words.
    Torn(BinaryReaderError),
}

impl From<BinaryReaderError> for Flaw {
    fn from(error: BinaryReaderError) -> Self {
        Self::Torn(error)
    }
}

const ITEMS: &str = "imports, exports, globals, segments and aliases";

/// What was counted so far.
#[derive(Debug, Default)]
pub(super) struct Measure {
    modules: u64,
    instances: u64,
    component_instances: u64,
    types: u64,
    /// Bytes that declare types of components.
    type_bytes: u64,
    memories: u64,
    items: u64,
    functions: u64,
    work: u64,
    /// For each module or component that is being read, the longest signature in it.
    signatures: Vec<u64>,
}

impl Measure {
    /// Counts what the parser came to.
    ///
    /// # Errors
    ///
    /// It is too much now.
    pub(super) fn add(&mut self, payload: &Payload<'_>) -> Result<(), Flaw> {
        self.items(payload)?;
        match payload {
            Payload::Version { .. } => {
                self.signatures.push(0);
                count("modules and components", &mut self.modules, 1, limits::MODULES_MAX)?;
            }
            Payload::End(_) => drop(self.signatures.pop()),
            Payload::InstanceSection(section) => {
                for instance in section.clone() {
                    let named = match instance? {
                        Instance::Instantiate { args, .. } => {
                            count("instances of modules", &mut self.instances, 1, limits::CORE_INSTANCES_MAX)?;
                            length(&args)
                        }
                        Instance::FromExports(exports) => length(&exports),
                    };
                    count(ITEMS, &mut self.items, named, limits::ITEMS_MAX)?;
                }
            }
            // Components within components may be instantiated by each other: each level doubles what is compiled.
            Payload::ComponentInstanceSection(section) => {
                for instance in section.clone() {
                    let named = match instance? {
                        ComponentInstance::Instantiate { args, .. } => {
                            let most = limits::COMPONENT_INSTANCES_MAX;
                            count("instances of components", &mut self.component_instances, 1, most)?;
                            length(&args)
                        }
                        ComponentInstance::FromExports(exports) => length(&exports),
                    };
                    count(ITEMS, &mut self.items, named, limits::ITEMS_MAX)?;
                }
            }
            Payload::TypeSection(section) => {
                for group in section.clone() {
                    self.group(&group?)?;
                }
            }
            Payload::CoreTypeSection(section) => {
                for found in section.clone() {
                    self.core_type(&found?)?;
                }
            }
            // What a validator makes of them takes some thirty times their length.
            Payload::ComponentTypeSection(section) => {
                let range = section.range();
                let bytes = range.end.saturating_sub(range.start);
                count("bytes of component types", &mut self.type_bytes, bytes, limits::TYPE_BYTES_MAX)?;
            }
            Payload::TableSection(section) => {
                for table in section.clone() {
                    let most = u64::try_from(limits::TABLE_ELEMENTS_MAX).unwrap_or(u64::MAX);
                    within("elements of a table", table?.ty.initial, most)?;
                }
            }
            Payload::MemorySection(section) => {
                // Each may become an image of many MiB, by two bytes far from each other.
                count("memories", &mut self.memories, u64::from(section.count()), u64::from(limits::MEMORIES_MAX))?;
                for memory in section.clone() {
                    let most = u64::try_from(limits::MEMORY_BYTES_MAX).unwrap_or(u64::MAX);
                    let memory = memory?;
                    let page = 1_u64.checked_shl(memory.page_size_log2.unwrap_or(16)).unwrap_or(u64::MAX);
                    within("bytes of memory", memory.initial.saturating_mul(page), most)?;
                }
            }
            Payload::CodeSectionEntry(body) => self.function(body)?,
            _ => {}
        }
        Ok(())
    }

    /// What a loaded component keeps a record of, each of a few bytes in the file.
    fn items(&mut self, payload: &Payload<'_>) -> Result<(), Flaw> {
        let more = match payload {
            Payload::ImportSection(section) => section.count(),
            Payload::ExportSection(section) => section.count(),
            Payload::GlobalSection(section) => section.count(),
            Payload::TableSection(section) => section.count(),
            Payload::TagSection(section) => section.count(),
            Payload::ElementSection(section) => section.count(),
            Payload::DataSection(section) => section.count(),
            Payload::InstanceSection(section) => section.count(),
            Payload::ComponentInstanceSection(section) => section.count(),
            Payload::ComponentAliasSection(section) => section.count(),
            Payload::ComponentCanonicalSection(section) => section.count(),
            Payload::ComponentImportSection(section) => section.count(),
            Payload::ComponentExportSection(section) => section.count(),
            _ => return Ok(()),
        };
        count(ITEMS, &mut self.items, u64::from(more), limits::ITEMS_MAX)
    }

    fn core_type(&mut self, found: &CoreType<'_>) -> Result<(), Flaw> {
        match found {
            CoreType::Rec(group) => self.group(group),
            CoreType::Module(declarations) => declarations.iter().try_for_each(|declaration| match declaration {
                ModuleTypeDeclaration::Type(group) => self.group(group),
                _ => Ok(()),
            }),
        }
    }

    fn group(&mut self, group: &RecGroup) -> Result<(), Flaw> {
        for found in group.types() {
            count("types", &mut self.types, 1, limits::TYPES_MAX)?;
            let CompositeInnerType::Func(signature) = &found.composite_type.inner else { continue };
            let length = length(signature.params()).saturating_add(length(signature.results()));
            within("parameters and results of a function", length, limits::SIGNATURE_MAX)?;
            if let Some(longest) = self.signatures.last_mut() {
                *longest = length.max(*longest);
            }
        }
        Ok(())
    }

    fn function(&mut self, body: &FunctionBody<'_>) -> Result<(), Flaw> {
        count("functions", &mut self.functions, 1, limits::FUNCTIONS_MAX)?;
        let range = body.range();
        let bytes = range.end.saturating_sub(range.start);
        within("bytes in a function", bytes, limits::FUNCTION_BYTES_MAX)?;
        let mut locals = 0_u64;
        for declared in body.get_locals_reader()? {
            count("local variables in a function", &mut locals, u64::from(declared?.0), limits::LOCALS_MAX)?;
        }
        let signature = self.signatures.last().copied().unwrap_or_default().saturating_add(1);
        let carried = locals.saturating_add(signature);
        let mut work = carried;
        for operator in body.get_operators_reader()? {
            let more = match operator? {
                Operator::Block { .. }
                | Operator::Loop { .. }
                | Operator::If { .. }
                | Operator::Else
                | Operator::Br { .. }
                | Operator::BrIf { .. }
                | Operator::BrOnNull { .. }
                | Operator::BrOnNonNull { .. } => carried,
                Operator::BrTable { targets } => carried.saturating_mul(u64::from(targets.len()).saturating_add(1)),
                Operator::TryTable { try_table } => {
                    carried.saturating_mul(length(&try_table.catches).saturating_add(1))
                }
                Operator::Call { .. }
                | Operator::CallIndirect { .. }
                | Operator::CallRef { .. }
                | Operator::ReturnCall { .. }
                | Operator::ReturnCallIndirect { .. }
                | Operator::ReturnCallRef { .. }
                | Operator::Return => signature,
                _ => continue,
            };
            count("jumps times local variables in a function", &mut work, more, limits::FUNCTION_WORK_MAX)?;
        }
        count("jumps times local variables over all", &mut self.work, work, limits::WORK_MAX)
    }
}

fn length<T>(list: &[T]) -> u64 {
    u64::try_from(list.len()).unwrap_or(u64::MAX)
}

fn count(what: &'static str, so_far: &mut u64, more: u64, most: u64) -> Result<(), Flaw> {
    *so_far = so_far.saturating_add(more);
    within(what, *so_far, most)
}

fn within(what: &'static str, found: u64, most: u64) -> Result<(), Flaw> {
    if found > most { Err(Flaw::TooMuch(what, found, most)) } else { Ok(()) }
}
