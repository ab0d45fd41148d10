// Every call shape of the official JavaScript SDKs, unmodified, against one base URL.
//
//     sdk_calls.mjs BASE_URL KEY PROMPTS_JSON [CASE ...]
//
// The contract is that of sdk_calls.py: one JSON line per case, told apart by `x-mete-tags: case=NAME`.

import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

// The SDKs are installed outside the source tree, so they are found from the folder that the caller names.
const require = createRequire(pathToFileURL(`${process.env.SDK_FOLDER}/`));
const load = async (name) => import(pathToFileURL(require.resolve(name)));
const { default: OpenAI } = await load("openai");
const { default: Anthropic } = await load("@anthropic-ai/sdk");
const { GoogleGenAI } = await load("@google/genai");

const [BASE, KEY, PROMPTS_JSON, ...chosen] = process.argv.slice(2);
const PROMPTS = JSON.parse(PROMPTS_JSON);
const [CHAT, REASONING, EMBED] = ["gpt-5.4-mini", "gpt-5.5", "text-embedding-3-small"];
const [IMAGE, VOICE, EAR, TOKEN_EAR] = ["gpt-image-1", "tts-1", "whisper-1", "gpt-4o-transcribe"];
const [CLAUDE, GEMINI] = ["claude-sonnet-5", "gemini-2.5-flash"];
const WEATHER = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };
const RULES = "You are a careful clerk. Measure every dollar before it is spent. ".repeat(200);

const tags = (name) => ({ "x-mete-tags": `case=${name},suite=${process.env.SUITE ?? "clients"}` });
const openai = (name) => new OpenAI({ apiKey: KEY, baseURL: `${BASE}/v1`, defaultHeaders: tags(name) });
const anthropic = (name) => new Anthropic({ apiKey: KEY, baseURL: BASE, defaultHeaders: tags(name) });
const google = (name) => new GoogleGenAI({ apiKey: KEY, httpOptions: { baseUrl: BASE, headers: tags(name) } });
const user = (content) => [{ role: "user", content }];
const textOf = (message) => message.content.filter((b) => b.type === "text").map((b) => b.text).join("");

// A tenth of a second of WAV, as in sdk_calls.py.
const recording = () => {
  const bytes = Buffer.alloc(844, " ");
  bytes.write("RIFF");
  bytes.writeUInt32LE(836, 4);
  bytes.write("WAVEfmt ", 8);
  [[16, 4], [1, 2], [1, 2], [8000, 4], [8000, 4], [1, 2], [8, 2]].reduce(
    (at, [value, size]) => bytes.writeUIntLE(value, at, size), 16);
  bytes.write("data", 36);
  bytes.writeUInt32LE(800, 40);
  return new File([bytes], "note.wav", { type: "audio/wav" });
};
const picture = (name, content) => new File([content], name, { type: "image/png" });

const CASES = {
  async chat(name, text) {
    const done = await openai(name).chat.completions.create({ model: CHAT, messages: user(text), max_completion_tokens: 300 });
    return [done.choices[0].message.content, done.usage];
  },

  // Asks for no usage: the gateway must add the request for it and hide the extra chunk.
  async chat_stream(name, text) {
    const stream = await openai(name).chat.completions.create({
      model: CHAT, messages: user(text), max_completion_tokens: 300, stream: true,
    });
    let seen = "", usage = null;
    for await (const chunk of stream) {
      if (chunk.choices.length === 0) throw new Error("a chunk without choices reached a client that did not ask for usage");
      seen += chunk.choices[0].delta.content ?? "";
      usage = chunk.usage ?? usage;
    }
    return [seen, usage];
  },

  async chat_stream_usage(name, text) {
    const stream = await openai(name).chat.completions.create({
      model: CHAT, messages: user(text), max_completion_tokens: 300, stream: true, stream_options: { include_usage: true },
    });
    let seen = "", usage = null;
    for await (const chunk of stream) {
      for (const choice of chunk.choices) seen += choice.delta.content ?? "";
      usage = chunk.usage ?? usage;
    }
    if (!usage) throw new Error("the usage chunk that was asked for is missing");
    return [seen, usage];
  },

  async chat_tools(name, text) {
    const tool = { type: "function", function: { name: "weather", description: "Weather now", parameters: WEATHER } };
    const done = await openai(name).chat.completions.create({
      model: CHAT, messages: user(text), tools: [tool], max_completion_tokens: 300,
    });
    return [(done.choices[0].message.tool_calls ?? []).map((c) => c.function.name).join(), done.usage];
  },

  // The same long prompt twice; the second answer reports cached tokens. Two requests.
  async chat_cached(name, text) {
    let done;
    for (let round = 0; round < 2; round++) {
      done = await openai(name).chat.completions.create({
        model: CHAT, messages: [{ role: "system", content: RULES }, ...user(text)], max_completion_tokens: 300,
      });
    }
    if (!(done.usage.prompt_tokens_details.cached_tokens > 0)) throw new Error("nothing came from the cache");
    return [done.choices[0].message.content, done.usage];
  },

  async chat_choices(name, text) {
    const done = await openai(name).chat.completions.create({ model: CHAT, messages: user(text), max_completion_tokens: 100, n: 3 });
    return [`${done.choices.length} choices`, done.usage];
  },

  async responses_priority(name, text) {
    const done = await openai(name).responses.create({ model: REASONING, input: text, max_output_tokens: 100, service_tier: "priority" });
    return [done.service_tier, done.usage];
  },

  async responses(name, text) {
    const done = await openai(name).responses.create({
      model: REASONING, input: text, instructions: "Be brief.", max_output_tokens: 400, reasoning: { effort: "low" },
    });
    return [done.output_text, done.usage];
  },

  async responses_stream(name, text) {
    const stream = openai(name).responses.stream({ model: REASONING, input: text, max_output_tokens: 400 });
    const done = await stream.finalResponse();
    return [done.output_text, done.usage];
  },

  async responses_tools(name, text) {
    const tool = { type: "function", name: "weather", description: "Weather now", parameters: WEATHER, strict: false };
    const done = await openai(name).responses.create({ model: REASONING, input: text, tools: [tool], max_output_tokens: 400 });
    return [done.output.filter((i) => i.type === "function_call").map((i) => i.name).join(), done.usage];
  },

  async embeddings(name, text) {
    const done = await openai(name).embeddings.create({ model: EMBED, input: [text, `${text} again`] });
    return [`${done.data.length} vectors`, done.usage];
  },

  async images(name, text) {
    const done = await openai(name).images.generate({ model: IMAGE, prompt: text, size: "1024x1024", quality: "low", n: 2 });
    return [`${done.data.length} images`, done.usage];
  },

  async images_stream(name, text) {
    const stream = await openai(name).images.generate({
      model: IMAGE, prompt: text, size: "1024x1536", quality: "medium", stream: true, partial_images: 1,
    });
    const seen = [];
    let usage = null;
    for await (const event of stream) {
      seen.push(event.type);
      usage = event.usage ?? usage;
    }
    return [seen.join(), usage];
  },

  async images_edit(name, text) {
    const image = [picture("a.png", "a picture"), picture("b.png", "another picture")];
    const done = await openai(name).images.edit({ model: IMAGE, prompt: text, image, size: "1024x1024", quality: "low" });
    return [`${done.data.length} images`, done.usage];
  },

  async speech(name, text) {
    const spoken = await openai(name).audio.speech.create({ model: VOICE, voice: "alloy", input: text });
    return [`${(await spoken.arrayBuffer()).byteLength} bytes of ${spoken.headers.get("content-type")}`, null];
  },

  async transcription(name, text) {
    const done = await openai(name).audio.transcriptions.create({
      model: EAR, file: recording(), prompt: text, response_format: "verbose_json", timestamp_granularities: ["word", "segment"],
    });
    return [done.text, done.usage];
  },

  async transcription_tokens(name, text) {
    const done = await openai(name).audio.transcriptions.create({ model: TOKEN_EAR, file: recording(), prompt: text });
    return [done.text, done.usage];
  },

  async translation(name, text) {
    return [(await openai(name).audio.translations.create({ model: EAR, file: recording(), prompt: text })).text, null];
  },

  async moderation(name, text) {
    return [String((await openai(name).moderations.create({ model: "omni-moderation-latest", input: text })).results[0].flagged), null];
  },

  async openai_models(name) {
    return [`${(await openai(name).models.list()).data.length} models`, null];
  },

  async input_tokens(name, text) {
    const done = await openai(name).responses.inputTokens.count({ model: REASONING, input: text });
    return [String(done.input_tokens), null];
  },

  async messages(name, text) {
    const done = await anthropic(name).messages.create({ model: CLAUDE, max_tokens: 300, messages: user(text) });
    return [textOf(done), done.usage];
  },

  async messages_stream(name, text) {
    const stream = anthropic(name).messages.stream({ model: CLAUDE, max_tokens: 300, messages: user(text) });
    const done = await stream.finalMessage();
    return [textOf(done), done.usage];
  },

  // A long prefix written to both caches: five minutes for the rules, an hour for the archive.
  async messages_cache(name, text) {
    const system = [
      { type: "text", text: `Archive. ${RULES}`, cache_control: { type: "ephemeral", ttl: "1h" } },
      { type: "text", text: RULES, cache_control: { type: "ephemeral" } },
    ];
    const done = await anthropic(name).messages.create({ model: CLAUDE, max_tokens: 300, system, messages: user(text) });
    return [textOf(done), done.usage];
  },

  async messages_thinking(name, text) {
    const done = await anthropic(name).messages.create({
      model: CLAUDE, max_tokens: 3000, thinking: { type: "enabled", budget_tokens: 2000 }, messages: user(text),
    });
    return [textOf(done), done.usage];
  },

  // A tool of the provider's own, with a fee for each use.
  async messages_search(name, text) {
    const tools = [{ type: "web_search_20250305", name: "web_search", max_uses: 3 }];
    const done = await anthropic(name).messages.create({ model: CLAUDE, max_tokens: 300, tools, messages: user(text) });
    return [String(done.usage.server_tool_use.web_search_requests), done.usage];
  },

  async messages_tools(name, text) {
    const tool = { name: "weather", description: "Weather now", input_schema: WEATHER };
    const done = await anthropic(name).messages.create({ model: CLAUDE, max_tokens: 300, tools: [tool], messages: user(text) });
    return [done.content.filter((b) => b.type === "tool_use").map((b) => b.name).join(), done.usage];
  },

  async count_tokens(name, text) {
    return [String((await anthropic(name).messages.countTokens({ model: CLAUDE, messages: user(text) })).input_tokens), null];
  },

  async anthropic_models(name) {
    return [`${(await anthropic(name).models.list()).data.length} models`, null];
  },

  async gemini(name, text) {
    const done = await google(name).models.generateContent({ model: GEMINI, contents: text, config: { maxOutputTokens: 300 } });
    return [done.text, done.usageMetadata];
  },

  // The path of the older SDKs.
  async gemini_v1beta(name, text) {
    const older = new GoogleGenAI({ apiKey: KEY, apiVersion: "v1beta", httpOptions: { baseUrl: BASE, headers: tags(name) } });
    const done = await older.models.generateContent({ model: GEMINI, contents: text, config: { maxOutputTokens: 300 } });
    return [done.text, done.usageMetadata];
  },

  async gemini_stream(name, text) {
    const stream = await google(name).models.generateContentStream({ model: GEMINI, contents: text, config: { maxOutputTokens: 300 } });
    let seen = "", usage = null;
    for await (const chunk of stream) {
      seen += chunk.text ?? "";
      usage = chunk.usageMetadata ?? usage;
    }
    return [seen, usage];
  },

  async gemini_tools(name, text) {
    const declared = { name: "weather", description: "Weather now", parametersJsonSchema: WEATHER };
    const done = await google(name).models.generateContent({
      model: GEMINI, contents: text, config: { maxOutputTokens: 300, tools: [{ functionDeclarations: [declared] }] },
    });
    return [(done.functionCalls ?? []).map((c) => c.name).join(), done.usageMetadata];
  },

  async gemini_count_tokens(name, text) {
    return [String((await google(name).models.countTokens({ model: GEMINI, contents: text })).totalTokens), null];
  },
};

async function run(name) {
  const label = `js-${name}`;
  try {
    const [text, usage] = await CASES[name](label, PROMPTS[name] ?? name);
    return { case: label, ok: true, text, usage };
  } catch (error) {
    return { case: label, ok: false, error: error?.constructor?.name, status: error?.status ?? null, message: String(error?.message) };
  }
}

for (const name of chosen.length ? chosen : Object.keys(CASES)) {
  console.log(JSON.stringify(await run(name)));
}
