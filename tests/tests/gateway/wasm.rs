//! Pieces of WebAssembly's binary format, for components that no compiler would make.

/// The value type.
pub(crate) const I32: u8 = 0x7f;

/// A section, of a module or of a component.
pub(crate) fn section(id: u8, content: &[u8]) -> Vec<u8> {
    let mut section = vec![id];
    leb(&mut section, content.len());
    section.extend_from_slice(content);
    section
}

/// WebAssembly's way to write a number.
pub(crate) fn leb(bytes: &mut Vec<u8>, mut number: usize) {
    while number >= 0x80 {
        bytes.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    bytes.push(number.to_le_bytes()[0]);
}

/// A list: how many, then each.
pub(crate) fn list<T: AsRef<[u8]>>(items: &[T]) -> Vec<u8> {
    let mut bytes = Vec::new();
    leb(&mut bytes, items.len());
    items.iter().for_each(|item| bytes.extend_from_slice(item.as_ref()));
    bytes
}

/// The type of a function.
pub(crate) fn signature(parameters: &[u8], results: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0x60];
    for values in [parameters, results] {
        leb(&mut bytes, values.len());
        bytes.extend_from_slice(values);
    }
    bytes
}

/// A function's body: so many local variables (i32), and the code without its `end`.
pub(crate) fn body(locals: usize, code: &[u8]) -> Vec<u8> {
    let mut bytes = vec![1];
    leb(&mut bytes, locals);
    bytes.push(I32);
    bytes.extend_from_slice(code);
    bytes.push(0x0b);
    bytes
}

/// A core module of these functions, all of the first type.
pub(crate) fn module(types: &[Vec<u8>], bodies: &[Vec<u8>]) -> Vec<u8> {
    let sized = |body: &Vec<u8>| {
        let mut bytes = Vec::new();
        leb(&mut bytes, body.len());
        bytes.extend_from_slice(body);
        bytes
    };
    let mut declared = Vec::new();
    leb(&mut declared, bodies.len());
    declared.extend(vec![0; bodies.len()]);
    let bodies: Vec<Vec<u8>> = bodies.iter().map(sized).collect();
    [MODULE.to_vec(), section(1, &list(types)), section(3, &declared), section(10, &list(&bodies))].concat()
}

/// How a core module begins.
pub(crate) const MODULE: &[u8] = b"\0asm\x01\0\0\0";
/// How a component begins.
pub(crate) const COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0";

/// The component with a core module more, which nobody uses.
pub(crate) fn with_module(component: &[u8], module: &[u8]) -> Vec<u8> {
    [component, &section(1, module)].concat()
}
