"""A FastMCP server with one of each: what a client must bear of it in both eras.

Up to 2025-11-25 it asks by requests of its own; since 2026-07-28 it answers a call by what it requires, and the call comes again.
"""

import asyncio

import mcp_types
from fastmcp import Context, FastMCP
from fastmcp_tasks import TasksExtension

mcp = FastMCP("desk", instructions="Ask before you write.")
mcp.add_extension(TasksExtension())

FORM = {
    "type": "object",
    "properties": {"name": {"type": "string", "title": "Name"}},
    "required": ["name"],
}
PROMPT = mcp_types.SamplingMessage(
    role="user", content=mcp_types.TextContent(type="text", text="Write a haiku.")
)


def required(key, request):
    return mcp_types.InputRequiredResult(
        input_requests={key: request}, request_state=f"round one of {key}"
    )


def modern(ctx):
    return ctx._is_modern_protocol()


@mcp.tool
def add(a: int, b: int) -> int:
    """Adds two numbers."""
    return a + b


@mcp.tool(annotations={"readOnlyHint": True})
async def ask_name(ctx: Context):
    """Asks the person for a name, in a form."""
    if not modern(ctx):
        answer = await ctx.session.elicit(message="Who is there?", requested_schema=FORM)
        return f"{answer.action}: {(answer.content or {}).get('name')}"
    if not ctx.input_responses:
        params = mcp_types.ElicitRequestFormParams(
            message="Who is there?", requested_schema=FORM
        )
        return required("who", mcp_types.ElicitRequest(params=params))
    answer = ctx.input_responses["who"]
    assert ctx.request_state == "round one of who"
    return f"{answer.action}: {(answer.content or {}).get('name')}"


@mcp.tool
async def ask_model(ctx: Context):
    """Asks the client's model for a poem."""
    if not modern(ctx):
        answer = await ctx.session.create_message(messages=[PROMPT], max_tokens=50)
    elif not ctx.input_responses:
        params = mcp_types.CreateMessageRequestParams(messages=[PROMPT], max_tokens=50)
        return required("poem", mcp_types.CreateMessageRequest(params=params))
    else:
        answer = ctx.input_responses["poem"]
    return f"{answer.model} wrote: {answer.content.text}"


@mcp.tool
async def ask_roots(ctx: Context):
    """Asks the client for its folders."""
    if not modern(ctx):
        answer = await ctx.session.list_roots()
    elif not ctx.input_responses:
        return required("roots", mcp_types.ListRootsRequest())
    else:
        answer = ctx.input_responses["roots"]
    return " ".join(str(root.uri) for root in answer.roots)


@mcp.tool
async def count(ctx: Context, steps: int = 3) -> str:
    """Counts, and says how far it is."""
    for step in range(1, steps + 1):
        await ctx.report_progress(step, steps, f"step {step}")
        await ctx.info(f"counted to {step}")
    return f"counted to {steps}"


@mcp.tool
async def wait() -> str:
    """Waits for ever; only a client that cancels gets on."""
    await asyncio.Event().wait()
    return "never"


@mcp.tool
async def grow(ctx: Context) -> str:
    """Learns a new tool, and says so."""

    def grown() -> str:
        """A tool that was not there before."""
        return "grown"

    mcp.add_tool(grown)
    await ctx.send_notification(mcp_types.ToolListChangedNotification())
    return "there is a new tool"


@mcp.tool(task=True)
async def work(pieces: int = 2) -> str:
    """Takes a while: a task, where the client knows tasks."""
    for _ in range(pieces):
        await asyncio.sleep(0.2)
    return f"{pieces} pieces of work"


@mcp.resource("desk://note")
def note() -> str:
    """The one note on the desk."""
    return "buy tea"


@mcp.resource("desk://drawer/{name}")
def drawer(name: str) -> str:
    """What lies in a drawer."""
    return f"{name}: empty"


@mcp.prompt
def greet(name: str, tone: str = "warm") -> str:
    """Greets somebody."""
    return f"Greet {name} in a {tone} tone."


@mcp.completion
def complete(ref, argument, context):
    names = ["Anh", "Bình", "Chi"]
    return [name for name in names if name.startswith(argument.value)]


if __name__ == "__main__":
    mcp.run(show_banner=False)
