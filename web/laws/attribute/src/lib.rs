//! `#[test]` where there is nobody to run tests: the function becomes an export of the module.

use std::path::Path;

use proc_macro::{Delimiter, Span, TokenStream, TokenTree};

/// Exports a test as `law FILE::NAME`, a function without arguments that panics if the law is broken. One that has
/// `#[ignore = "REASON"]` above it is `none FILE::NAME: REASON`.
#[proc_macro_attribute]
pub fn test(_: TokenStream, mut function: TokenStream) -> TokenStream {
    let (name, span) = name(function.clone());
    let file = span.file();
    let file = Path::new(&file).file_stem().unwrap_or_default().to_string_lossy();
    let export = match reason(function.clone()) {
        Some(reason) => format!("none {file}::{name}: {reason}"),
        None => format!("law {file}::{name}"),
    };
    let exported: Result<TokenStream, _> = format!(
        "const _: () = {{
            #[allow(unsafe_code, reason = \"the name has a blank in it, which no other symbol has\")]
            #[unsafe(export_name = {export:?})]
            extern \"C\" fn law() {{
                crate::said::listen();
                {name}();
            }}
        }};"
    )
    .parse();
    function.extend(exported.unwrap_or_else(|error| panic!("{export}: {error}")));
    function
}

/// What follows `fn`.
fn name(function: TokenStream) -> (String, Span) {
    let mut tokens = function.into_iter().skip_while(|token| token.to_string() != "fn");
    match tokens.nth(1) {
        Some(TokenTree::Ident(name)) => (name.to_string(), name.span()),
        _ => panic!("#[test] stands above no function"),
    }
}

/// Of `#[ignore = "REASON"]`.
fn reason(function: TokenStream) -> Option<String> {
    let attribute = |token| match token {
        TokenTree::Group(group) if group.delimiter() == Delimiter::Bracket => Some(group.stream().into_iter()),
        _ => None,
    };
    let mut ignore = function
        .into_iter()
        .filter_map(attribute)
        .find_map(|mut tokens| tokens.next().filter(|token| token.to_string() == "ignore").map(|_| tokens))?;
    Some(ignore.nth(1).map_or_else(String::new, |reason| reason.to_string().trim_matches('"').to_owned()))
}
