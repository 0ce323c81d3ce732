import Files
import Foundation
import Hummingbird
import Synchronization

/// Tells all open pages what changes (server-sent events). One event is written once and given to all; a page that is slow misses
/// some, and never holds up the others.
final class Hub: Sendable {
  private struct State {
    var next = 0
    var pages: [Int: AsyncStream<ByteBuffer>.Continuation] = [:]
  }
  private let state = Mutex(State())

  /// Pages that listen.
  var count: Int { state.withLock { $0.pages.count } }

  func send(_ event: String, _ value: some Encodable) {
    guard count > 0, let data = try? JSON.encoder.encode(value) else { return }
    // JSON in one line has no line break that would end the field.
    send(ByteBuffer(string: "event: \(event)\ndata: \(String(decoding: data, as: UTF8.self))\n\n"))
  }

  /// A comment now and then, so that a page that is gone is noticed.
  func beat() { send(ByteBuffer(string: ": still here\n\n")) }

  private func send(_ buffer: ByteBuffer) {
    for page in state.withLock({ Array($0.pages.values) }) { page.yield(buffer) }
  }

  /// A stream for one page, until it is closed.
  func stream() -> Response {
    let (stream, continuation) = AsyncStream.makeStream(of: ByteBuffer.self, bufferingPolicy: .bufferingNewest(256))
    let number = state.withLock { state in
      state.next += 1
      state.pages[state.next] = continuation
      return state.next
    }
    continuation.onTermination = { [weak self] _ in self?.state.withLock { _ = $0.pages.removeValue(forKey: number) } }
    continuation.yield(ByteBuffer(string: "retry: 2000\n\n"))
    let body = ResponseBody { writer in
      // The stream ends with the connection: writing fails then.
      defer { continuation.finish() }
      for await buffer in stream { try await writer.write(buffer) }
      try await writer.finish(nil)
    }
    return Response(status: .ok, headers: [.contentType: "text/event-stream", .cacheControl: "no-store"], body: body)
  }

  /// Ends all streams.
  func close() { for page in state.withLock({ Array($0.pages.values) }) { page.finish() } }
}
