//! The compiler's findings in words for people: one line, what is wrong, what to write instead.
//!
//! The compiler gives a kind and a message with the names between backticks; the schema tells what
//! would have been right. A kind that has nothing to add keeps the compiler's words.

use apollo_compiler::Schema;
use apollo_compiler::diagnostic::{Diagnostic, ToCliReport};
use apollo_compiler::schema::ExtendedType;
use apollo_compiler::validation::{DiagnosticData, DiagnosticList};

use crate::limits::{NESTING_MAX, SCHEMA_TOKENS_MAX};
use crate::problem::{QueryProblem, excerpt, first_few};
use crate::suggest::{instead, nearest};
use crate::token::{Kind, Tokens};

type Finding<'a> = Diagnostic<'a, DiagnosticData>;

/// Where in the checked text the finding is, in bytes.
pub(crate) fn offset(finding: &Finding<'_>) -> Option<usize> {
    let span = finding.error.location()?;
    finding.sources.contains_key(&span.file_id()).then(|| span.offset())
}

/// A finding in a query that has not met a schema yet.
pub(crate) fn explain_syntax(finding: &Finding<'_>) -> String {
    let message = finding.error.to_string();
    match message.strip_prefix("syntax error: ") {
        Some(syntax) => format!("not GraphQL: {}", plain(syntax)),
        None if message.contains("recursion limit") => {
            format!("the query is nested too deeply here: nesting_max is {NESTING_MAX}")
        }
        None => message,
    }
}

/// The parser's words, with the signs themselves where it has names for them.
fn plain(syntax: &str) -> String {
    const SIGNS: [(&str, &str); 15] = [
        ("L_CURLY", "`{`"),
        ("R_CURLY", "`}`"),
        ("L_PAREN", "`(`"),
        ("R_PAREN", "`)`"),
        ("L_BRACK", "`[`"),
        ("R_BRACK", "`]`"),
        ("COLON", "`:`"),
        ("SPREAD", "`...`"),
        ("DOLLAR", "`$`"),
        ("BANG", "`!`"),
        ("PIPE", "`|`"),
        ("AMP", "`&`"),
        ("EOF", "the end of the text"),
        ("<EOF>.", "end of the text"),
        ("AT", "`@`"),
    ];
    let words = excerpt(syntax);
    let words = words.split(' ').map(|word| {
        let bare = word.trim_end_matches(',');
        let sign = SIGNS.iter().find(|(name, _)| *name == bare).map_or(bare, |(_, sign)| sign);
        format!("{sign}{}", &word[bare.len()..])
    });
    words.collect::<Vec<_>>().join(" ")
}

/// A finding in a schema.
pub(crate) fn explain_schema(finding: &Finding<'_>) -> String {
    let message = finding.error.to_string();
    match message.strip_prefix("syntax error: ") {
        Some(syntax) => {
            format!("not a schema in the schema definition language: {}", plain(syntax))
        }
        None if message.contains("token limit") => {
            format!("the schema has more than {SCHEMA_TOKENS_MAX} tokens: schema_tokens_max")
        }
        None if message.contains("recursion limit") => {
            format!("the schema is nested too deeply here: nesting_max is {NESTING_MAX}")
        }
        None => message,
    }
}

/// The findings in a query that was held against `schema`, without those that only follow from
/// others: what is below or beside a field that does not exist was not read by the compiler.
pub(crate) fn explain_query(
    findings: &DiagnosticList,
    schema: &Schema,
    path: &str,
    text: &str,
) -> Vec<QueryProblem> {
    let (real, follows): (Vec<_>, Vec<_>) =
        findings.iter().partition(|finding| !may_follow(finding, text));
    let told = if real.is_empty() { follows } else { real };
    first_few(told.len(), told.iter().map(|finding| explain(finding, schema, path, text)))
}

fn may_follow(finding: &Finding<'_>, text: &str) -> bool {
    let message = finding.error.to_string();
    let name = message.split('`').nth(1).unwrap_or_default();
    match finding.error.unstable_error_name().unwrap_or_default() {
        "MissingSubselection" => finding
            .error
            .location()
            .and_then(|span| text.get(span.offset()..span.end_offset()))
            .is_some_and(|field| field.ends_with('}')),
        "UnusedVariable" => occurrences(text, "$", name.trim_start_matches('$')) > 1,
        "UnusedFragment" => occurrences(text, "...", name) > 0,
        _ => false,
    }
}

/// How often a name stands behind a sign.
fn occurrences(text: &str, sign: &str, name: &str) -> usize {
    let tokens: Vec<&str> = Tokens::of(text)
        .filter(|token| token.kind != Kind::Ignored)
        .map(|token| token.text)
        .collect();
    tokens.windows(2).filter(|pair| pair[0] == sign && pair[1] == name).count()
}

fn explain(finding: &Finding<'_>, schema: &Schema, path: &str, text: &str) -> QueryProblem {
    let message = finding.error.to_string();
    let names: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    let kind = finding.error.unstable_error_name().unwrap_or_default();
    let told = match (kind, names.as_slice()) {
        ("UndefinedField", [parent, field]) => undefined_field(schema, parent, field),
        ("UndefinedArgument", [argument, place]) => undefined_argument(schema, argument, place),
        ("UndefinedEnumValue", [value, name]) => undefined_enum_value(schema, value, name),
        ("UndefinedInputValue", [field, name]) => undefined_input_field(schema, field, name),
        ("UndefinedDirective", [directive]) => undefined_directive(schema, directive),
        ("UndefinedTypeInNamedFragmentTypeCondition", [name, ..])
        | ("UndefinedTypeInInlineFragmentTypeCondition", [name])
        | ("UndefinedDefinition", [name]) => undefined_type(schema, name),
        _ => without_schema(kind, &names, &message),
    };
    match offset(finding) {
        Some(offset) => QueryProblem::at(path, told, text, offset),
        None => QueryProblem::new(path, told),
    }
}

fn undefined_field(schema: &Schema, parent: &str, field: &str) -> String {
    let start = format!("`{parent}` has no field `{field}`");
    let fields = match schema.types.get(parent) {
        Some(ExtendedType::Object(object)) => &object.fields,
        Some(ExtendedType::Interface(interface)) => &interface.fields,
        Some(ExtendedType::Union(union)) => {
            let members = union.members.iter().map(|member| member.name.as_str());
            return format!("{start}: it is a union, {}", within_one_of(schema, members, field));
        }
        _ => return start,
    };
    let implementers: Vec<&str> = schema
        .types
        .values()
        .filter(|ty| {
            matches!(ty, ExtendedType::Object(object)
            if object.implements_interfaces.iter().any(|name| name.as_str() == parent))
        })
        .map(|ty| ty.name().as_str())
        .filter(|name| has_field(schema, name, field))
        .collect();
    if !implementers.is_empty() {
        let place = within_one_of(schema, implementers.into_iter(), field);
        return format!("{start}: it is an interface, {place}");
    }
    start.clone() + &instead(field, fields.keys().map(|name| name.as_str()), "it has")
}

fn has_field(schema: &Schema, name: &str, field: &str) -> bool {
    schema.get_object(name).is_some_and(|object| object.fields.contains_key(field))
}

fn within_one_of<'a>(
    schema: &Schema,
    types: impl Iterator<Item = &'a str> + Clone,
    field: &str,
) -> String {
    if let Some(name) = types.clone().find(|name| has_field(schema, name, field)) {
        return format!("write `... on {name} {{ {field} }}`");
    }
    let near = types.clone().find_map(|name| {
        let fields = schema.get_object(name)?.fields.keys().map(|known| known.as_str());
        nearest(field, fields).map(|near| (name, near))
    });
    if let Some((name, near)) = near {
        return format!("did you mean `... on {name} {{ {near} }}`?");
    }
    match types.clone().next() {
        Some(name) => format!("write which type you mean, as in `... on {name} {{ … }}`"),
        None => "and has no types".to_owned(),
    }
}

/// `place` is `Type.field` or `@directive`.
fn undefined_argument(schema: &Schema, argument: &str, place: &str) -> String {
    let start = format!("`{place}` has no argument `{argument}`");
    let arguments = match place.split_once('.') {
        Some((parent, field)) => {
            schema.type_field(parent, field).ok().map(|found| &found.arguments)
        }
        None => schema
            .directive_definitions
            .get(place.trim_start_matches('@'))
            .map(|found| &found.arguments),
    };
    match arguments {
        Some(arguments) if !arguments.is_empty() => {
            start + &instead(argument, arguments.iter().map(|known| known.name.as_str()), "it has")
        }
        _ => start + ", nor any other: leave the brackets out",
    }
}

fn undefined_enum_value(schema: &Schema, value: &str, name: &str) -> String {
    let values = schema.get_enum(name).into_iter().flat_map(|known| known.values.keys());
    let instead = instead(value, values.map(|known| known.as_str()), "it has");
    format!("`{name}` has no value `{value}`{instead}")
}

fn undefined_input_field(schema: &Schema, field: &str, name: &str) -> String {
    let fields = schema.get_input_object(name).into_iter().flat_map(|known| known.fields.keys());
    let instead = instead(field, fields.map(|known| known.as_str()), "it has");
    format!("`{name}` has no field `{field}`{instead}")
}

fn undefined_directive(schema: &Schema, directive: &str) -> String {
    let bare = directive.trim_start_matches('@');
    let known = schema.directive_definitions.keys().map(|name| name.as_str());
    format!("there is no directive `@{bare}`{}", instead(bare, known, "there are"))
}

fn undefined_type(schema: &Schema, name: &str) -> String {
    let known = schema.types.keys().map(|known| known.as_str());
    let known = known.filter(|known| !known.starts_with("__"));
    match nearest(name, known) {
        Some(near) => format!("the schema has no type `{name}`: did you mean `{near}`?"),
        None => format!("the schema has no type `{name}`: write one that it has"),
    }
}

fn without_schema(kind: &str, names: &[&str], message: &str) -> String {
    match (kind, names) {
        ("MissingSubselection", _) => {
            "this field is an object: write which of its fields you want, as in `{ id }`".to_owned()
        }
        ("SubselectionOnScalarType" | "SubselectionOnEnumType", [name]) => {
            format!("this field is a `{name}`, which has no fields: leave the `{{ … }}` out")
        }
        ("RequiredArgument", [place]) => {
            format!("the argument `{place}` is required: add it")
        }
        ("RequiredField", [place]) => format!("the input field `{place}` is required: add it"),
        ("UndefinedVariable", [variable]) => {
            format!("`{variable}` is not declared: declare it, as in `query ({variable}: String)`")
        }
        ("UnusedVariable", [variable]) => {
            format!("`{variable}` is declared and never used: use it or leave it out")
        }
        ("UniqueVariable", [variable]) => format!("`{variable}` is declared twice: leave one out"),
        ("UniqueArgument", [argument]) => {
            format!("the argument `{argument}` is given twice: leave one out")
        }
        ("UndefinedFragment", [fragment]) => {
            format!("there is no fragment `{fragment}`: write it, or leave the spread out")
        }
        ("UnusedFragment", [fragment]) => {
            format!("the fragment `{fragment}` is never used: use it or leave it out")
        }
        ("FragmentNameCollision", [fragment]) => {
            format!("there are two fragments `{fragment}`: rename one")
        }
        ("DisallowedVariableUsage", [variable, declared, argument, expected]) => format!(
            "`{variable}` is declared as `{declared}`, but `{argument}` takes `{expected}`: \
             declare it as `{expected}`"
        ),
        ("InvalidFragmentSpread", [.., condition, parent]) => {
            format!("a `{parent}` is never a `{condition}`: leave the fragment out")
        }
        ("ConflictingFieldName" | "ConflictingFieldArgument" | "ConflictingFieldType", [name]) => {
            format!(
                "`{name}` is asked for in two ways: give one of them an alias, as in `other: …`"
            )
        }
        ("UnsupportedValueType", _) => {
            let words = message.strip_prefix("expected value of type ").unwrap_or(message);
            match words.rsplit_once(", found ") {
                Some((expected, found)) => format!("this place takes `{expected}`, not {found}"),
                None => on_one_line(message),
            }
        }
        ("VariableInputType", [variable]) => format!(
            "`{variable}` is declared as an output type: a variable is a scalar, an enum, an \
             input object or a list of them"
        ),
        ("TypeSystemDefinition", _) => {
            format!("{message}: leave it out, a query has operations and fragments alone")
        }
        _ => on_one_line(message),
    }
}

/// The compiler's words on one line.
fn on_one_line(message: &str) -> String {
    message.split_whitespace().collect::<Vec<_>>().join(" ")
}
