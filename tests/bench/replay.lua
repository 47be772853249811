-- For wrk: sends the requests of a file one after the other, each once.
--
--   wrk -t1 -c64 -d3s -s replay.lua http://127.0.0.1:8080 -- FILE SKIP [again]
--
-- FILE holds "BYTES\n" and the whole HTTP request, as often as there are requests (pushes.mjs writes it). The first SKIP were
-- sent by an earlier run. With `again` they go round in a circle; without it a file that ends too early is an error. Prints
-- one line of JSON at the end.

local thread

function setup(one)
   assert(not thread, "one thread reads the file: use -t1")
   thread = one
end

function init(args)
   file = assert(io.open(args[1], "rb"))
   sent = 0
   ended = 0
   for _ = 1, tonumber(args[2]) do read() end
   start = file:seek()
   probing = true
   if args[3] == "again" then requests = all() end
end

function read()
   local length = file:read("*l")
   return length and file:read(tonumber(length))
end

-- What is sent again and again is read once: a load that costs little leaves the cores to who is measured.
function all()
   local texts = {}
   for text in read do texts[#texts + 1] = text end
   return texts
end

function following()
   if requests then return requests[sent % #requests + 1] end
   local text = read()
   if not text then
      file:seek("set", start)
      text = read()
      ended = 1
   end
   return text
end

function request()
   local text = following()
   if probing then -- wrk asks once before it begins, and throws that request away
      probing = false
      file:seek("set", start)
   else
      sent = sent + 1
   end
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
