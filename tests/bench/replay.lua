-- For wrk: sends the requests of a file one after the other, each once.
--
--   wrk -t1 -c64 -d3s -s replay.lua http://127.0.0.1:8080 -- FILE SKIP DEPTH [again]
--
-- The first SKIP requests of the file were sent by an earlier run. FILE holds "BYTES\n" and the whole HTTP request, as often
-- as there are requests (pushes.mjs writes it). DEPTH of them go out at once on each connection. With `again` they go round
-- in a circle; without it a file that ends too early is an error. Prints one line of JSON at the end.

local thread

function setup(one)
   assert(not thread, "one thread reads the file: use -t1")
   thread = one
end

function init(args)
   file = assert(io.open(args[1], "rb"))
   depth = tonumber(args[3])
   again = args[4] == "again"
   sent = 0
   ended = 0
   for _ = 1, tonumber(args[2]) do read() end
   start = file:seek()
   probing = true
   if again then blocks = all_blocks() end
end

function read()
   local length = file:read("*l")
   return length and file:read(tonumber(length))
end

function block(first)
   if depth == 1 then return first end
   local texts = {first}
   for i = 2, depth do texts[i] = read() end
   return table.concat(texts)
end

-- What is sent again and again is put together once: a load that costs little leaves the cores to who is measured.
function all_blocks()
   local all = {}
   for first in read do all[#all + 1] = block(first) end
   return all
end

function following()
   if again then return blocks[sent / depth % #blocks + 1] end
   local text = read()
   if not text then
      file:seek("set")
      text = read()
      ended = 1
   end
   return block(text)
end

function request()
   if probing then -- wrk asks once before it begins, and throws that request away
      probing = false
      file:seek("set", start)
      local first = read()
      file:seek("set", start)
      return first
   end
   local text = following()
   sent = sent + depth
   return text
end

function done(summary, latency)
   local errors = summary.errors
   io.write(string.format(
      '\n{"sent":%d,"ended":%d,"answered":%d,"seconds":%.6f,"p50":%.3f,"p99":%.3f,"failed":%d}\n',
      thread:get("sent"), thread:get("ended"), summary.requests, summary.duration / 1e6,
      latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
      errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
