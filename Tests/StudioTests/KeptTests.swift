import Hummingbird
import Synchronization
import Testing

@testable import Jobs
@testable import Studio

/// What the studio keeps between requests.
@Suite struct KeptTests {
  private final class Maker: Sendable {
    private let count = Mutex(0)
    var calls: Int { count.withLock { $0 } }
    func body(_ words: String) -> ByteBuffer {
      count.withLock { $0 += 1 }
      return ByteBuffer(string: words)
    }
  }

  @Test func anAnswerIsMadeOnceForAVersion() async throws {
    let kept = KeptAnswers(), maker = Maker()
    for _ in 0..<3 {
      let body = try await kept.body(of: "/api/pictures?page=1", version: 1) { maker.body("first") }
      #expect(String(buffer: body) == "first")
    }
    #expect(maker.calls == 1)
    // Another address, and another version of the catalogue.
    #expect(
      try await String(buffer: kept.body(of: "/api/pictures?page=2", version: 1) { maker.body("other") }) == "other")
    #expect(
      try await String(buffer: kept.body(of: "/api/pictures?page=1", version: 2) { maker.body("changed") }) == "changed"
    )
    #expect(maker.calls == 3)
  }

  /// The catalogue may change while an answer is made: what was made is of before.
  @Test func anAnswerOfBeforeIsNotKept() async throws {
    let kept = KeptAnswers(), maker = Maker()
    let old = try await kept.body(of: "/a", version: 1) {
      _ = try await kept.body(of: "/a", version: 2) { maker.body("new") }
      return maker.body("old")
    }
    #expect(String(buffer: old) == "old")
    #expect(try await String(buffer: kept.body(of: "/a", version: 2) { maker.body("again") }) == "new")
    #expect(maker.calls == 2)
  }

  @Test func aHugeAnswerIsNotKept() async throws {
    let kept = KeptAnswers(), maker = Maker()
    let huge = String(repeating: "x", count: (16 << 20) + 1)
    for _ in 0..<2 { _ = try await kept.body(of: "/huge", version: 1) { maker.body(huge) } }
    #expect(maker.calls == 2)
    struct Failed: Error {}
    await #expect(throws: Failed.self) { try await kept.body(of: "/fails", version: 1) { throw Failed() } }
    #expect(try await String(buffer: kept.body(of: "/fails", version: 1) { maker.body("works") }) == "works")
  }

  @Test func aCardFollowsItsJob() {
    let cards = JobCards(workspace: "/tmp")
    let job = Job(verb: ["generate"], arguments: ["emoji"], order: 1)
    var story = Story()
    story.fraction = 0.25
    func view(_ state: JobState) -> JobView {
      JobView(job: job, state: state, attempts: 1, reason: nil, story: story)
    }
    #expect(cards.card(view(.running)).fraction == 0.25)
    story.fraction = 0.5
    #expect(cards.card(view(.running)).fraction == 0.5)
    #expect(cards.card(view(.done)).state == .done)
  }
}
