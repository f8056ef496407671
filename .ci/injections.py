"""Takes the injections out of an unpacked AgentDojo: the goals of its injection tasks, each in the templates of its attacks.

Reads the sources as text and syntax trees; imports nothing of them. Prints a JSON array of texts.
"""

import ast
import json
import pathlib
import sys


def text_of(node, known):
    """A string literal, joined or formatted; a name in it becomes what it stands for, or itself in braces."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.FormattedValue):
        name = ast.unparse(node.value).removeprefix("self.")
        return known.get(name, "{" + name + "}")
    if isinstance(node, ast.JoinedStr):
        return "".join(text_of(part, known) or "" for part in node.values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        left, right = text_of(node.left, known), text_of(node.right, known)
        return None if left is None or right is None else left + right
    return None


def assigned(body):
    """The names and texts that the statements of a module or a class assign, in order."""
    known = {}
    for node in body:
        targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        for target in targets:
            text = text_of(node.value, known) if node.value is not None else None
            if text:
                known[ast.unparse(target)] = text
    return known


def main(root):
    goals, templates = [], []
    for path in sorted(root.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        if "injection_task" in path.name:
            classes = [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
            goals += [found["GOAL"] for found in (assigned(node.body) for node in classes) if "GOAL" in found]
        if "attacks" in path.parts:
            texts = [text_of(node, {}) for node in ast.walk(tree)]
            templates += [text for text in texts if text and "{goal}" in text]
    unique = lambda texts: list(dict.fromkeys(text for text in texts if text.strip()))
    goals, templates = unique(goals), unique(templates)
    if len(goals) < 10 or len(templates) < 2:
        sys.exit(f"only {len(goals)} goals and {len(templates)} templates found: the package is laid out otherwise")
    fill = lambda template, goal: template.replace("{goal}", goal).replace("{user}", "Emma Johnson").replace("{model}", "AI model")
    filled = [fill(template, goal) for template in templates for goal in goals]
    print(f"{len(goals)} goals in {len(templates)} templates", file=sys.stderr)
    json.dump(unique(goals + filled), sys.stdout, ensure_ascii=False)


main(pathlib.Path(sys.argv[1]))
