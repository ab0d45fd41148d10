"""Every call shape of the official Python SDKs, unmodified, against one base URL.

    sdk_calls.py BASE_URL KEY PROMPTS_JSON [CASE ...]

PROMPTS_JSON maps a case to the text it sends (the fake provider reads directives from it); a case that is
missing sends its own name. Each case prints one JSON line: {"case", "ok", "error", "status", "message",
"text", "usage"}. A case is told apart on the wire by `x-mete-tags: case=NAME`, the SDKs' own way to add a header.
"""

import json
import os
import struct
import sys

import anthropic
import openai
from google import genai
from google.genai import types

BASE, KEY, PROMPTS = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
CHAT, REASONING, EMBED = "gpt-5.4-mini", "gpt-5.5", "text-embedding-3-small"
IMAGE, VOICE, EAR, TOKEN_EAR = "gpt-image-1", "tts-1", "whisper-1", "gpt-4o-transcribe"
CLAUDE, GEMINI = "claude-sonnet-5", "gemini-2.5-flash"
WEATHER = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
RULES = "You are a careful clerk. Measure every dollar before it is spent. " * 200


def tags(case):
    return {"x-mete-tags": f"case={case},suite={os.environ.get('SUITE', 'clients')}"}


def openai_client(case):
    return openai.OpenAI(api_key=KEY, base_url=f"{BASE}/v1", default_headers=tags(case))


def anthropic_client(case):
    return anthropic.Anthropic(api_key=KEY, base_url=BASE, default_headers=tags(case))


def gemini_client(case):
    return genai.Client(api_key=KEY, http_options=types.HttpOptions(base_url=BASE, headers=tags(case)))


def chat(case, text):
    done = openai_client(case).chat.completions.create(
        model=CHAT, messages=[{"role": "user", "content": text}], max_completion_tokens=300)
    return done.choices[0].message.content, done.usage


def chat_stream(case, text):
    """Asks for no usage: the gateway must add the request for it and hide the extra chunk."""
    parts, usage = [], None
    for chunk in openai_client(case).chat.completions.create(
            model=CHAT, messages=[{"role": "user", "content": text}], max_completion_tokens=300, stream=True):
        assert chunk.choices, "a chunk without choices reached a client that did not ask for usage"
        parts.append(chunk.choices[0].delta.content or "")
        usage = chunk.usage or usage
    return "".join(parts), usage


def chat_stream_usage(case, text):
    parts, usage = [], None
    for chunk in openai_client(case).chat.completions.create(
            model=CHAT, messages=[{"role": "user", "content": text}], max_completion_tokens=300, stream=True,
            stream_options={"include_usage": True}):
        parts += [c.delta.content or "" for c in chunk.choices]
        usage = chunk.usage or usage
    assert usage, "the usage chunk that was asked for is missing"
    return "".join(parts), usage


def chat_tools(case, text):
    tool = {"type": "function", "function": {"name": "weather", "description": "Weather now", "parameters": WEATHER}}
    done = openai_client(case).chat.completions.create(
        model=CHAT, messages=[{"role": "user", "content": text}], tools=[tool], max_completion_tokens=300)
    calls = done.choices[0].message.tool_calls or []
    return ",".join(c.function.name for c in calls), done.usage


def chat_cached(case, text):
    """The same long prompt twice; the second answer reports cached tokens. Two requests."""
    for _ in range(2):
        done = openai_client(case).chat.completions.create(
            model=CHAT, messages=[{"role": "system", "content": RULES}, {"role": "user", "content": text}],
            max_completion_tokens=300)
    assert done.usage.prompt_tokens_details.cached_tokens > 0, done.usage
    return done.choices[0].message.content, done.usage


def chat_choices(case, text):
    done = openai_client(case).chat.completions.create(
        model=CHAT, messages=[{"role": "user", "content": text}], max_completion_tokens=100, n=3)
    return f"{len(done.choices)} choices", done.usage


def responses_priority(case, text):
    done = openai_client(case).responses.create(model=REASONING, input=text, max_output_tokens=100, service_tier="priority")
    return done.service_tier, done.usage


def responses(case, text):
    done = openai_client(case).responses.create(
        model=REASONING, input=text, instructions="Be brief.", max_output_tokens=400, reasoning={"effort": "low"})
    return done.output_text, done.usage


def responses_stream(case, text):
    with openai_client(case).responses.stream(model=REASONING, input=text, max_output_tokens=400) as stream:
        for _event in stream:
            pass
        done = stream.get_final_response()
    return done.output_text, done.usage


def responses_tools(case, text):
    tool = {"type": "function", "name": "weather", "description": "Weather now", "parameters": WEATHER, "strict": False}
    done = openai_client(case).responses.create(model=REASONING, input=text, tools=[tool], max_output_tokens=400)
    return ",".join(i.name for i in done.output if i.type == "function_call"), done.usage


def embeddings(case, text):
    done = openai_client(case).embeddings.create(model=EMBED, input=[text, text + " again"])
    return f"{len(done.data)} vectors", done.usage


def recording():
    """A tenth of a second of WAV, 8,000 samples a second of one byte; all its bytes are ASCII, so that a fixture is text."""
    sound = b" " * 800
    head = struct.pack("<4sI4s4sIHHIIHH4sI", b"RIFF", 36 + len(sound), b"WAVE", b"fmt ", 16, 1, 1, 8000, 8000, 1, 8,
                       b"data", len(sound))
    return ("note.wav", head + sound, "audio/wav")


def images(case, text):
    done = openai_client(case).images.generate(model=IMAGE, prompt=text, size="1024x1024", quality="low", n=2)
    assert all(image.b64_json for image in done.data), done
    return f"{len(done.data)} images", done.usage


def images_stream(case, text):
    seen, usage = [], None
    for event in openai_client(case).images.generate(
            model=IMAGE, prompt=text, size="1024x1536", quality="medium", stream=True, partial_images=1):
        seen.append(event.type)
        usage = getattr(event, "usage", None) or usage
    return ",".join(seen), usage


def images_edit(case, text):
    pictures = [("a.png", b"a picture", "image/png"), ("b.png", b"another picture", "image/png")]
    done = openai_client(case).images.edit(model=IMAGE, prompt=text, image=pictures, size="1024x1024", quality="low")
    return f"{len(done.data)} images", done.usage


def speech(case, text):
    with openai_client(case).audio.speech.with_streaming_response.create(model=VOICE, voice="alloy", input=text) as spoken:
        return f"{len(spoken.read())} bytes of {spoken.headers['content-type']}", None


def transcription(case, text):
    done = openai_client(case).audio.transcriptions.create(
        model=EAR, file=recording(), prompt=text, response_format="verbose_json", timestamp_granularities=["word", "segment"])
    return done.text, done.usage


def transcription_tokens(case, text):
    done = openai_client(case).audio.transcriptions.create(model=TOKEN_EAR, file=recording(), prompt=text)
    return done.text, done.usage


def translation(case, text):
    return openai_client(case).audio.translations.create(model=EAR, file=recording(), prompt=text).text, None


def moderation(case, text):
    return str(openai_client(case).moderations.create(model="omni-moderation-latest", input=text).results[0].flagged), None


def openai_models(case, _text):
    return f"{len(openai_client(case).models.list().data)} models", None


def input_tokens(case, text):
    done = openai_client(case).responses.input_tokens.count(model=REASONING, input=text)
    return str(done.input_tokens), None


def messages(case, text):
    done = anthropic_client(case).messages.create(
        model=CLAUDE, max_tokens=300, messages=[{"role": "user", "content": text}])
    return "".join(b.text for b in done.content if b.type == "text"), done.usage


def messages_stream(case, text):
    with anthropic_client(case).messages.stream(
            model=CLAUDE, max_tokens=300, messages=[{"role": "user", "content": text}]) as stream:
        seen = "".join(stream.text_stream)
        done = stream.get_final_message()
    return seen, done.usage


def messages_cache(case, text):
    """A long prefix written to both caches: five minutes for the rules, an hour for the archive."""
    system = [
        {"type": "text", "text": "Archive. " + RULES, "cache_control": {"type": "ephemeral", "ttl": "1h"}},
        {"type": "text", "text": RULES, "cache_control": {"type": "ephemeral"}},
    ]
    done = anthropic_client(case).messages.create(
        model=CLAUDE, max_tokens=300, system=system, messages=[{"role": "user", "content": text}])
    return "".join(b.text for b in done.content if b.type == "text"), done.usage


def messages_thinking(case, text):
    done = anthropic_client(case).messages.create(
        model=CLAUDE, max_tokens=3000, thinking={"type": "enabled", "budget_tokens": 2000},
        messages=[{"role": "user", "content": text}])
    return "".join(b.text for b in done.content if b.type == "text"), done.usage


def messages_search(case, text):
    """A tool of the provider's own, with a fee for each use."""
    done = anthropic_client(case).messages.create(
        model=CLAUDE, max_tokens=300, tools=[{"type": "web_search_20250305", "name": "web_search", "max_uses": 3}],
        messages=[{"role": "user", "content": text}])
    return str(done.usage.server_tool_use.web_search_requests), done.usage


def messages_tools(case, text):
    tool = {"name": "weather", "description": "Weather now", "input_schema": WEATHER}
    done = anthropic_client(case).messages.create(
        model=CLAUDE, max_tokens=300, tools=[tool], messages=[{"role": "user", "content": text}])
    return ",".join(b.name for b in done.content if b.type == "tool_use"), done.usage


def count_tokens(case, text):
    done = anthropic_client(case).messages.count_tokens(model=CLAUDE, messages=[{"role": "user", "content": text}])
    return str(done.input_tokens), None


def anthropic_models(case, _text):
    return f"{len(anthropic_client(case).models.list().data)} models", None


def gemini(case, text):
    client = gemini_client(case)  # The client closes its connection when it is dropped, so it needs a name.
    done = client.models.generate_content(
        model=GEMINI, contents=text, config=types.GenerateContentConfig(max_output_tokens=300))
    return done.text, done.usage_metadata


def gemini_v1beta(case, text):
    """The path of the older SDKs."""
    options = types.HttpOptions(base_url=BASE, headers=tags(case), api_version="v1beta")
    client = genai.Client(api_key=KEY, http_options=options)
    done = client.models.generate_content(
        model=GEMINI, contents=text, config=types.GenerateContentConfig(max_output_tokens=300))
    return done.text, done.usage_metadata


def gemini_stream(case, text):
    client, parts, usage = gemini_client(case), [], None
    for chunk in client.models.generate_content_stream(
            model=GEMINI, contents=text, config=types.GenerateContentConfig(max_output_tokens=300)):
        parts.append(chunk.text or "")
        usage = chunk.usage_metadata or usage
    return "".join(parts), usage


def gemini_tools(case, text):
    declared = types.FunctionDeclaration(name="weather", description="Weather now", parameters_json_schema=WEATHER)
    client = gemini_client(case)
    done = client.models.generate_content(
        model=GEMINI, contents=text,
        config=types.GenerateContentConfig(max_output_tokens=300, tools=[types.Tool(function_declarations=[declared])]))
    return ",".join(c.name for c in done.function_calls or []), done.usage_metadata


def gemini_count_tokens(case, text):
    client = gemini_client(case)
    return str(client.models.count_tokens(model=GEMINI, contents=text).total_tokens), None


CASES = {f.__name__: f for f in (
    chat, chat_stream, chat_stream_usage, chat_tools, chat_cached, chat_choices, responses, responses_stream,
    responses_tools, responses_priority, embeddings, images, images_stream, images_edit, speech, transcription,
    transcription_tokens, translation, moderation, openai_models, input_tokens, messages, messages_stream, messages_cache,
    messages_thinking, messages_search, messages_tools, count_tokens, anthropic_models, gemini, gemini_v1beta, gemini_stream,
    gemini_tools, gemini_count_tokens)}


def as_json(usage):
    return usage.model_dump(mode="json", exclude_none=True) if usage is not None else None


def run(name):
    case = f"py-{name}"
    try:
        text, usage = CASES[name](case, PROMPTS.get(name, name))
        return {"case": case, "ok": True, "text": text, "usage": as_json(usage)}
    except Exception as error:  # The report names whatever the SDK raised; nothing is swallowed.
        status = getattr(error, "status_code", None) or getattr(error, "code", None)
        return {"case": case, "ok": False, "error": f"{type(error).__module__.split('.')[0]}.{type(error).__name__}",
                "status": status, "message": str(error)}


os.environ.pop("GOOGLE_API_KEY", None)
for name in sys.argv[4:] or CASES:
    print(json.dumps(run(name)), flush=True)
