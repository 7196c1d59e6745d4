//! A core module taken apart: sections as lists, code as operations with the ends of their blocks.

use wasmparser::{
    BlockType, ConstExpr, DataKind, ElementItems, ElementKind, FuncType, GlobalType, MemoryType, Operator, Parser,
    Payload, TableType, TypeRef, ValType,
};

/// A module's contents. Indices count imports first, as in the format.
#[derive(Default)]
pub struct Module<'a> {
    types: Vec<FuncType>,
    pub imports: Vec<TypeRef>,
    /// Types of all functions, by type index.
    functions: Vec<u32>,
    pub imported_functions: usize,
    pub tables: Vec<TableType>,
    pub memories: Vec<MemoryType>,
    pub globals: Vec<(GlobalType, ConstExpr<'a>)>,
    pub elements: Vec<(ElementKind<'a>, Vec<Item<'a>>)>,
    pub data: Vec<(DataKind<'a>, &'a [u8])>,
    pub exports: Vec<(&'a str, wasmparser::ExternalKind, u32)>,
    pub start: Option<u32>,
    pub codes: Vec<Code<'a>>,
}

/// One entry of an element segment.
pub enum Item<'a> {
    Function(u32),
    Expression(ConstExpr<'a>),
}

/// The body of a function.
pub struct Code<'a> {
    /// Types of the locals behind the parameters.
    pub locals: Vec<ValType>,
    pub ops: Vec<Operator<'a>>,
    /// The operations' encoding.
    pub bytes: Vec<&'a [u8]>,
    /// For `block`, `loop`, `if` and `else`: the place of the matching `end`. Elsewhere 0.
    pub ends: Vec<usize>,
    /// For `if`: the place of its `else`, if it has one.
    pub elses: Vec<Option<usize>>,
}

impl Code<'_> {
    /// Whether the call at this place is followed by `unreachable`.
    pub fn never_returns(&self, place: usize) -> bool {
        matches!(self.ops.get(place + 1), Some(Operator::Unreachable))
    }
}

impl<'a> Module<'a> {
    /// Read a valid module.
    pub fn read(bytes: &'a [u8]) -> Self {
        let mut module = Self::default();
        for payload in Parser::new(0).parse_all(bytes) {
            module.section(payload.expect("valid module"), bytes).expect("valid module");
        }
        module
    }

    fn section(&mut self, payload: Payload<'a>, bytes: &'a [u8]) -> wasmparser::Result<()> {
        match payload {
            Payload::TypeSection(reader) => {
                self.types = reader.into_iter_err_on_gc_types().collect::<wasmparser::Result<_>>()?;
            }
            Payload::ImportSection(reader) => {
                for import in reader.into_imports() {
                    self.import(import?.ty);
                }
            }
            Payload::FunctionSection(reader) => {
                for ty in reader {
                    self.functions.push(ty?);
                }
            }
            Payload::TableSection(reader) => {
                for table in reader {
                    self.tables.push(table?.ty);
                }
            }
            Payload::MemorySection(reader) => {
                for memory in reader {
                    self.memories.push(memory?);
                }
            }
            Payload::GlobalSection(reader) => {
                for global in reader {
                    let global = global?;
                    self.globals.push((global.ty, global.init_expr));
                }
            }
            Payload::ExportSection(reader) => {
                for export in reader {
                    let export = export?;
                    self.exports.push((export.name, export.kind, export.index));
                }
            }
            Payload::StartSection { func, .. } => self.start = Some(func),
            Payload::ElementSection(reader) => {
                for element in reader {
                    let element = element?;
                    self.elements.push((element.kind, items(element.items)?));
                }
            }
            Payload::DataSection(reader) => {
                for data in reader {
                    let data = data?;
                    self.data.push((data.kind, data.data));
                }
            }
            Payload::CodeSectionEntry(body) => self.codes.push(Code::read(&body, bytes)?),
            _ => {}
        }
        Ok(())
    }

    fn import(&mut self, ty: TypeRef) {
        self.imports.push(ty);
        match ty {
            TypeRef::Func(ty) => {
                self.functions.push(ty);
                self.imported_functions += 1;
            }
            TypeRef::Table(ty) => self.tables.push(ty),
            TypeRef::Memory(ty) => self.memories.push(ty),
            TypeRef::Global(_) => {}
            other => panic!("no such import here: {other:?}"),
        }
    }

    /// Type of a function.
    pub fn function(&self, index: u32) -> &FuncType {
        &self.types[self.functions[index as usize] as usize]
    }

    pub fn ty(&self, index: u32) -> &FuncType {
        &self.types[index as usize]
    }

    /// How many values a block takes and leaves.
    pub fn arity(&self, block: BlockType) -> (usize, usize) {
        match block {
            BlockType::Empty => (0, 0),
            BlockType::Type(_) => (0, 1),
            BlockType::FuncType(index) => (self.ty(index).params().len(), self.ty(index).results().len()),
        }
    }

    /// Whether an indirect call may reach a function of somebody else: somebody else sees one of the tables, or an
    /// imported function can be put there. References move between tables, so this is about all of them at once.
    pub fn may_call_foreign(&self) -> bool {
        let imported = self.imports.iter().any(|ty| matches!(ty, TypeRef::Table(_)));
        let exported = self.exports.iter().any(|export| export.1 == wasmparser::ExternalKind::Table);
        imported || exported || self.refers_to_imports()
    }

    /// Functions, imported ones first, that may come to call somebody else's function and go on afterwards; and whether
    /// an indirect call may. Found by going through all of them until nothing changes.
    pub fn reaching(&self) -> (Vec<bool>, bool) {
        let mut reaching: Vec<bool> = (0..self.functions.len()).map(|index| index < self.imported_functions).collect();
        let mut indirect = self.may_call_foreign();
        loop {
            let before = (reaching.clone(), indirect);
            for (own, code) in self.codes.iter().enumerate() {
                let reaches = code.ops.iter().enumerate().any(|(place, op)| match op {
                    _ if code.never_returns(place) => false,
                    Operator::Call { function_index } => reaching[*function_index as usize],
                    Operator::CallIndirect { .. } => indirect,
                    _ => false,
                });
                reaching[self.imported_functions + own] |= reaches;
            }
            indirect |= self.refers_to(&|index| reaching[*index as usize]);
            if before == (reaching.clone(), indirect) {
                return (reaching, indirect);
            }
        }
    }

    fn refers_to_imports(&self) -> bool {
        self.refers_to(&|index| (*index as usize) < self.imported_functions)
    }

    /// Whether a reference to any such function is made.
    fn refers_to(&self, imported: &dyn Fn(&u32) -> bool) -> bool {
        let by_expression = |expr: &ConstExpr<'a>| {
            let ops = expr.get_operators_reader();
            ops.into_iter()
                .any(|op| matches!(op, Ok(Operator::RefFunc { function_index }) if imported(&function_index)))
        };
        let by_item = |item: &Item<'a>| match item {
            Item::Function(index) => imported(index),
            Item::Expression(expr) => by_expression(expr),
        };
        let by_op = |op: &Operator<'a>| matches!(op, Operator::RefFunc { function_index } if imported(function_index));
        self.elements.iter().any(|(_, items)| items.iter().any(by_item))
            || self.globals.iter().any(|(_, init)| by_expression(init))
            || self.codes.iter().any(|code| code.ops.iter().any(by_op))
    }
}

fn items(items: ElementItems<'_>) -> wasmparser::Result<Vec<Item<'_>>> {
    match items {
        ElementItems::Functions(reader) => reader.into_iter().map(|index| Ok(Item::Function(index?))).collect(),
        ElementItems::Expressions(_, reader) => reader.into_iter().map(|expr| Ok(Item::Expression(expr?))).collect(),
    }
}

impl<'a> Code<'a> {
    fn read(body: &wasmparser::FunctionBody<'a>, bytes: &'a [u8]) -> wasmparser::Result<Self> {
        let mut locals = Vec::new();
        for group in body.get_locals_reader()? {
            let (count, ty) = group?;
            locals.extend(std::iter::repeat_n(ty, count as usize));
        }
        let (mut ops, mut encoded) = (Vec::new(), Vec::new());
        let mut reader = body.get_operators_reader()?;
        while !reader.eof() {
            let from = reader.original_position();
            ops.push(reader.read()?);
            encoded.push(&bytes[from..reader.original_position()]);
        }
        let (ends, elses) = jumps(&ops);
        Ok(Self { locals, ops, bytes: encoded, ends, elses })
    }
}

/// Ends and elses of blocks, by the places where they are opened.
fn jumps(ops: &[Operator<'_>]) -> (Vec<usize>, Vec<Option<usize>>) {
    let (mut ends, mut elses, mut open) = (vec![0; ops.len()], vec![None; ops.len()], Vec::new());
    for (place, op) in ops.iter().enumerate() {
        match op {
            Operator::Block { .. } | Operator::Loop { .. } | Operator::If { .. } => open.push(place),
            Operator::Else => elses[*open.last().expect("an else has an if")] = Some(place),
            // The function's own end has no opening.
            Operator::End => {
                if let Some(opened) = open.pop() {
                    ends[opened] = place;
                    if let Some(other) = elses[opened] {
                        ends[other] = place;
                    }
                }
            }
            _ => {}
        }
    }
    (ends, elses)
}
