//! Reads the code blocks of the documents.

/// A fenced or an indented block of code.
pub struct Block<'a> {
    /// The text after the fence; empty for an indented block.
    pub language: &'a str,
    /// Its lines, without the indentation.
    pub lines: Vec<&'a str>,
}

/// Returns the code blocks of `page`, in order. [`prose`] returns the rest.
pub fn blocks(page: &str) -> Vec<Block<'_>> {
    parts(page).1
}

/// Returns `page` without its code blocks.
pub fn prose(page: &str) -> String {
    parts(page).0.join("\n")
}

/// Returns a command and its output for each line after a prompt in the `console` blocks of `page`.
pub fn console(page: &str) -> Vec<(&str, String)> {
    let mut commands: Vec<(&str, String)> = Vec::new();
    for block in blocks(page).into_iter().filter(|block| block.language == "console") {
        for line in block.lines {
            match line.strip_prefix("$ ") {
                Some(command) => commands.push((command, String::new())),
                None => commands.last_mut().expect("a command before its output").1 += &format!("{line}\n"),
            }
        }
    }
    commands
}

fn parts(page: &str) -> (Vec<&str>, Vec<Block<'_>>) {
    let (mut prose, mut blocks): (Vec<&str>, Vec<Block<'_>>) = (Vec::new(), Vec::new());
    let (mut fenced, mut indented) = (false, false);
    for line in page.lines() {
        if let Some(language) = line.strip_prefix("```") {
            fenced = !fenced;
            if fenced {
                blocks.push(Block { language, lines: Vec::new() });
            }
            continue;
        }
        let code = line.strip_prefix("    ").filter(|_| indented || prose.last() == Some(&""));
        if !fenced && !indented && code.is_some() {
            blocks.push(Block { language: "", lines: Vec::new() });
        }
        indented = !fenced && code.is_some();
        match (fenced, code) {
            (true, _) => blocks.last_mut().expect("its fence").lines.push(line),
            (false, Some(code)) => blocks.last_mut().expect("its start").lines.push(code),
            (false, None) => prose.push(line),
        }
    }
    (prose, blocks)
}
