//! From text to an [`Expression`].
//!
//! ```text
//! sum     = product { ("+" | "-") product }
//! product = factor { ("*" | "/") factor }
//! factor  = { "-" | "+" } power
//! power   = primary [ ("^" | "**") integer ]          integer = [ "-" ] digits, in parentheses or not
//! primary = number | name | function "(" sum ")" | "(" sum ")" | "sqrt(pi)" | "sqrt(2*pi)"
//! ```
//!
//! Numbers are digits with an optional decimal fraction, and exact. `pi` stands in the two roots alone. `2^3^2` is an error, and `-x^2` is `-(x^2)`.

use super::expression::{Expression, Function, Kind, is_input};
use dashu_int::IBig;
use dashu_ratio::RBig;
use thiserror::Error;
use winnow::ascii::{digit1, multispace0};
use winnow::combinator::{alt, opt, preceded, repeat};
use winnow::error::ContextError;
use winnow::prelude::*;
use winnow::stream::{LocatingSlice, Location};
use winnow::token::{any, one_of, take_while};

/// What is wrong with an expression, and where.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("column {column}: {message}")]
pub struct ExpressionError {
    /// In characters from 1.
    pub column: usize,
    /// What was found, and what is allowed.
    pub message: String,
    /// Whether it is a limit of what is decided: the expression is one, and allowed.
    pub undecided: bool,
}

impl ExpressionError {
    pub(crate) fn new(column: usize, message: impl Into<String>) -> Self {
        Self { column, message: message.into(), undecided: false }
    }

    /// What is an expression, and not decided.
    pub(crate) fn undecided(column: usize, message: impl Into<String>) -> Self {
        Self { column, message: message.into(), undecided: true }
    }
}

/// Longest source, in characters (coefficients of relations that are found may be long); deepest nesting.
const LONGEST: usize = 100_000;
const LONGEST_CHAIN: usize = 2000;
const DEEPEST: usize = 100;
/// Largest magnitude of an exponent.
const LARGEST_POWER: i64 = 64;

/// Reads an expression.
///
/// # Errors
/// The first thing that is not allowed, with its column.
pub fn parse(source: &str) -> Result<Expression, ExpressionError> {
    if source.chars().count() > LONGEST {
        return Err(ExpressionError::new(LONGEST + 1, format!("the expression is longer than {LONGEST} characters")));
    }
    let tokens = tokens(source)?;
    let mut parser = Reader { tokens: &tokens, next: 0, depth: 0 };
    let expression = parser.sum()?;
    match parser.peek() {
        Token::End => Ok(expression),
        token => {
            Err(parser.unexpected(&format!("{token} follows a whole expression; an operator or the end is allowed")))
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Number(RBig, bool),
    Name(String),
    Operator(char),
    End,
}

impl std::fmt::Display for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Number(value, _) => write!(f, "the number {value}"),
            Self::Name(name) => write!(f, "the name {name}"),
            Self::Operator(c) => write!(f, "{c:?}"),
            Self::End => f.write_str("the end"),
        }
    }
}

/// Tokens with their columns; `**` counts as `^`.
fn tokens(source: &str) -> Result<Vec<(Token, usize)>, ExpressionError> {
    type Input<'a> = LocatingSlice<&'a str>;
    fn number(input: &mut Input<'_>) -> winnow::Result<Token, ContextError> {
        let (whole, fraction): (&str, Option<&str>) = (digit1, opt(preceded('.', digit1))).parse_next(input)?;
        let digits = fraction.unwrap_or_default();
        let value = format!("{whole}{digits}").parse::<IBig>().map_err(|_| ContextError::new())?;
        let scale = IBig::from(10).pow(digits.len());
        Ok(Token::Number(RBig::from(value) / RBig::from(scale), fraction.is_none()))
    }
    fn name(input: &mut Input<'_>) -> winnow::Result<Token, ContextError> {
        let letter = one_of(|c: char| c.is_alphabetic() || c == '_');
        let rest = take_while(0.., |c: char| c.is_alphabetic() || c.is_ascii_digit() || c == '_');
        (letter, rest).take().map(|name: &str| Token::Name(name.to_string())).parse_next(input)
    }
    fn token(input: &mut Input<'_>) -> winnow::Result<(Token, usize), ContextError> {
        multispace0.parse_next(input)?;
        let at = input.current_token_start();
        let operator = alt(("**".value('^'), one_of(['+', '-', '*', '/', '^', '(', ')'])));
        alt((number, name, operator.map(Token::Operator))).map(|token| (token, at)).parse_next(input)
    }
    let column = |offset: usize| source[..offset].chars().count() + 1;
    let mut input = LocatingSlice::new(source);
    let mut found: Vec<(Token, usize)> = repeat(0.., token)
        .parse_next(&mut input)
        .map_err(|_: ContextError| ExpressionError::new(1, "no expression"))?;
    let _: winnow::Result<&str, ContextError> = multispace0.parse_next(&mut input);
    let end = input.current_token_start();
    let rest: winnow::Result<char, ContextError> = any.parse_next(&mut input);
    if let Ok(c) = rest {
        let message = format!("{c:?} is no part of an expression; numbers, names, + - * / ^ ( ) are allowed");
        return Err(ExpressionError::new(column(end), message));
    }
    found.push((Token::End, end));
    Ok(found.into_iter().map(|(token, at)| (token, column(at))).collect())
}

struct Reader<'a> {
    tokens: &'a [(Token, usize)],
    next: usize,
    depth: usize,
}

impl Reader<'_> {
    fn peek(&self) -> &Token {
        &self.tokens[self.next].0
    }

    fn column(&self) -> usize {
        self.tokens[self.next].1
    }

    fn unexpected(&self, message: &str) -> ExpressionError {
        ExpressionError::new(self.column(), message)
    }

    /// A chain of operators is as deep as it is long.
    fn within(&self, links: usize) -> Result<(), ExpressionError> {
        let message = || self.unexpected(&format!("a sum or product has more than {LONGEST_CHAIN} parts"));
        if links < LONGEST_CHAIN { Ok(()) } else { Err(message()) }
    }

    fn takes(&mut self, operator: char) -> bool {
        let taken = *self.peek() == Token::Operator(operator);
        self.next += usize::from(taken);
        taken
    }

    fn sum(&mut self) -> Result<Expression, ExpressionError> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(self.unexpected(&format!("parentheses are nested deeper than {DEEPEST}")));
        }
        let mut sum = self.product()?;
        for terms in 0.. {
            self.within(terms)?;
            let column = sum.column;
            let kind = if self.takes('+') {
                Kind::Sum(Box::new(sum), Box::new(self.product()?))
            } else if self.takes('-') {
                let term = self.product()?;
                let at = term.column;
                let negative = Expression { column: at, kind: Kind::Negative(Box::new(term)) };
                Kind::Sum(Box::new(sum), Box::new(negative))
            } else {
                self.depth -= 1;
                return Ok(sum);
            };
            sum = Expression { column, kind };
        }
        Ok(sum)
    }

    fn product(&mut self) -> Result<Expression, ExpressionError> {
        let mut product = self.factor()?;
        for factors in 0.. {
            self.within(factors)?;
            let column = product.column;
            let kind = if self.takes('*') {
                Kind::Product(Box::new(product), Box::new(self.factor()?))
            } else if self.takes('/') {
                Kind::Quotient(Box::new(product), Box::new(self.factor()?))
            } else {
                return Ok(product);
            };
            product = Expression { column, kind };
        }
        Ok(product)
    }

    fn factor(&mut self) -> Result<Expression, ExpressionError> {
        let column = self.column();
        let mut negative = false;
        loop {
            if self.takes('-') {
                negative = !negative;
            } else if !self.takes('+') {
                break;
            }
        }
        let power = self.power()?;
        Ok(if negative { Expression { column, kind: Kind::Negative(Box::new(power)) } } else { power })
    }

    fn power(&mut self) -> Result<Expression, ExpressionError> {
        let base = self.primary()?;
        if !self.takes('^') {
            return Ok(base);
        }
        let column = base.column;
        let exponent = self.exponent()?;
        if *self.peek() == Token::Operator('^') {
            return Err(self.unexpected("a power of a power needs parentheses"));
        }
        Ok(Expression { column, kind: Kind::Power(Box::new(base), exponent) })
    }

    fn exponent(&mut self) -> Result<i64, ExpressionError> {
        let parenthesis = self.takes('(');
        let negative = self.takes('-');
        let message = format!("an exponent is an integer from -{LARGEST_POWER} to {LARGEST_POWER}");
        let Token::Number(value, true) = self.peek().clone() else {
            return Err(self.unexpected(&format!("{} as an exponent; {message}", self.peek())));
        };
        let size = i64::try_from(value.numerator().clone()).ok().filter(|n| *n <= LARGEST_POWER);
        let Some(size) = size else { return Err(self.unexpected(&format!("{value} as an exponent; {message}"))) };
        self.next += 1;
        if parenthesis && !self.takes(')') {
            return Err(self.unexpected(&format!("{} in an exponent; {message}", self.peek())));
        }
        Ok(if negative { -size } else { size })
    }

    fn primary(&mut self) -> Result<Expression, ExpressionError> {
        let column = self.column();
        let token = self.peek().clone();
        let kind = match token {
            Token::Number(value, _) => {
                self.next += 1;
                Kind::Number(value)
            }
            Token::Name(name) => {
                self.next += 1;
                if name == "sqrt" && *self.peek() == Token::Operator('(') {
                    return self.root(column);
                }
                let function = Function::named(&name);
                if *self.peek() != Token::Operator('(') {
                    if function.is_some() {
                        return Err(ExpressionError::new(
                            column,
                            format!("{name} is a function; {name}(…) is allowed"),
                        ));
                    }
                    if name == "pi" {
                        let message = "pi alone is neither a number nor a parameter here: sqrt(pi)^2 is the number, another name a parameter";
                        return Err(ExpressionError::new(column, message));
                    }
                    let number = name.strip_prefix('x').map(|rest| rest.trim_start_matches('_'));
                    if number.is_some_and(|rest| rest.bytes().all(|b| b.is_ascii_digit())) && !is_input(&name) {
                        let message = format!("{name} would shadow an input; inputs are x, or x1, x2, …");
                        return Err(ExpressionError::new(column, message));
                    }
                    return Ok(Expression { column, kind: Kind::Symbol(name) });
                }
                let Some(function) = function else {
                    let known: Vec<&str> = Function::ALL.iter().map(|(name, _)| *name).collect();
                    let message = format!("{name} is no function; {} are, and a product needs *", known.join(", "));
                    return Err(ExpressionError::new(column, message));
                };
                Kind::Call(function, Box::new(self.parenthesis()?))
            }
            Token::Operator('(') => return self.parenthesis(),
            token => return Err(self.unexpected(&format!("{token} where a number, a name or ( is needed"))),
        };
        Ok(Expression { column, kind })
    }

    /// `(pi)` or `(2*pi)` after `sqrt`: constants that derivatives of erf and gelu at a parameter need.
    fn root(&mut self, column: usize) -> Result<Expression, ExpressionError> {
        self.next += 1;
        let twice = *self.peek() == Token::Number(RBig::from(2), true);
        if twice {
            self.next += 1;
            if !self.takes('*') {
                return Err(self.unexpected("sqrt(pi) and sqrt(2*pi) are the only roots"));
            }
        }
        if *self.peek() != Token::Name("pi".into()) {
            return Err(self.unexpected("sqrt(pi) and sqrt(2*pi) are the only roots"));
        }
        self.next += 1;
        if !self.takes(')') {
            return Err(self.unexpected("sqrt(pi) and sqrt(2*pi) are the only roots"));
        }
        Ok(Expression { column, kind: Kind::RootPi { twice } })
    }

    fn parenthesis(&mut self) -> Result<Expression, ExpressionError> {
        let opened = self.column();
        self.next += 1;
        let inside = self.sum()?;
        if self.takes(')') {
            return Ok(inside);
        }
        Err(self.unexpected(&format!("{} where ) is needed for the ( in column {opened}", self.peek())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn precedence_is_the_usual_one() {
        let same = |a: &str, b: &str| {
            let strip = |text: &str| {
                let text = format!("{:?}", parse(text).unwrap());
                text.split("column: ")
                    .map(|part| part.trim_start_matches(|c: char| c.is_ascii_digit()))
                    .collect::<String>()
            };
            assert_eq!(strip(a), strip(b), "{a}  {b}");
        };
        same("-x^2", "-(x^2)");
        same("a - b - c", "(a - b) - c");
        same("a/b*c", "(a/b)*c");
        same("2*x + 0.5", "(2*x) + (0.5)");
        same("x**-2", "x^(-2)");
        same("--x", "x");
    }

    #[test]
    fn errors_point_at_the_column() {
        let at = |source: &str| parse(source).unwrap_err().column;
        for (source, column) in [
            ("", 1),
            ("a +", 4),
            ("a + *b", 5),
            ("2 x", 3),
            ("(a + b", 7),
            ("sin x", 1),
            ("foo(x)", 1),
            ("x^y", 3),
            ("x^0.5", 3),
            ("x^2^3", 4),
            ("x^99", 3),
            ("β*x + §", 7),
            ("a)", 2),
            ("a*x0", 3),
            ("x_1", 1),
            ("a*pi*x", 3),
            ("sqrt(pi*a)", 8),
        ] {
            assert_eq!(at(source), column, "{source}: {}", parse(source).unwrap_err());
        }
        assert!(parse("pi + pix").unwrap_err().message.contains("sqrt(pi)^2") && parse("sqrt(pi)*pi_1*pix").is_ok());
        assert!(parse(&"(".repeat(200)).is_err() && parse(&"a+".repeat(60_000)).is_err());
    }

    #[test]
    fn decimals_are_exact() {
        assert_eq!(parse("0.1").unwrap().kind, Kind::Number(RBig::from_parts(1.into(), 10u8.into())));
    }
}
