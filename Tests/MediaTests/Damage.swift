/// Makes files wrong at random, the same ones each time.
struct Damage {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func draw(_ limit: Int) -> Int {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407  // Knuth's MMIX.
    return Int(state >> 33) % limit
  }

  /// With one to seven bytes or bits wrong, most of them in its first `head` bytes, which decide most; now and then cut short.
  mutating func hurt(_ whole: [UInt8], head: Int) -> [UInt8] {
    var bytes = whole
    for _ in 0...draw(6) {
      let place = draw(draw(2) == 0 ? min(head, bytes.count) : bytes.count)
      if draw(3) == 0 { bytes[place] = [0, 1, 0x7F, 0x80, 0xFF][draw(5)] } else { bytes[place] ^= 1 << draw(8) }
    }
    return draw(10) == 0 ? Array(bytes.prefix(1 + draw(bytes.count))) : bytes
  }
}
