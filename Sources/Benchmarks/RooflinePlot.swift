import Foundation

/// Work by how much arithmetic it does with each byte, under what the processor can do (Williams, Waterman and Patterson 2009).
struct RooflinePlot {
  private let report: Roofline.Report
  init(_ report: Roofline.Report) { self.report = report }

  private let width = 860.0, height = 520.0, left = 64.0, bottom = 56.0, top = 36.0, right = 250.0
  // FLOPs a byte, and GFLOP/s.
  private let across = 0.25...1024.0, up = 1.0...4096.0

  private func x(_ intensity: Double) -> Double { left + (width - left - right) * part(intensity, across) }
  private func y(_ rate: Double) -> Double { height - bottom - (height - bottom - top) * part(rate, up) }
  private func part(_ value: Double, _ range: ClosedRange<Double>) -> Double {
    log(min(max(value, range.lowerBound), range.upperBound) / range.lowerBound)
      / log(range.upperBound / range.lowerBound)
  }

  var svg: String {
    var parts = [
      #"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \#(Int(width)) \#(Int(height))" font-family="sans-serif" font-size="12">"#,
      #"<rect width="100%" height="100%" fill="white"/>"#,
      text(left, 20, "\(report.machine), \(report.threads) threads, \(report.commit)"),
    ]
    var tick = across.lowerBound
    while tick <= across.upperBound {
      parts.append(line(x(tick), y(up.lowerBound), x(tick), y(up.upperBound), "#e4e4e4"))
      parts.append(text(x(tick), height - bottom + 18, tick < 1 ? "¼" : "\(Int(tick))", anchor: "middle"))
      tick *= 4
    }
    tick = up.lowerBound
    while tick <= up.upperBound {
      parts.append(line(x(across.lowerBound), y(tick), x(across.upperBound), y(tick), "#e4e4e4"))
      parts.append(text(left - 8, y(tick) + 4, "\(Int(tick))", anchor: "end"))
      tick *= 4
    }
    parts.append(
      text((left + width - right) / 2, height - 14, "FLOP a byte that operators read and write", anchor: "middle"))
    parts.append(text(8, top - 4, "GFLOP/s"))
    let peak = report.peaks.most, knee = peak / report.peaks.copy
    parts.append(line(x(across.lowerBound), y(across.lowerBound * report.peaks.copy), x(knee), y(peak), "#333"))
    parts.append(line(x(knee), y(peak), x(across.upperBound), y(peak), "#333"))
    parts.append(text(x(across.upperBound), y(peak) - 6, "\(Int(peak)) GFLOP/s", anchor: "end"))
    let rows = report.rows.filter { $0.flops > 0 }
    for (i, row) in rows.enumerated() {
      let colour = "hsl(\(i * 360 / max(1, rows.count)), 65%, 40%)"
      let place = (x(row.flops / max(1, row.bytes)), y(row.flopRate))
      parts.append(#"<circle cx="\#(Int(place.0))" cy="\#(Int(place.1))" r="5" fill="\#(colour)"/>"#)
      parts.append(text(place.0 + 8, place.1 + 4, "\(i + 1)"))
      parts.append(#"<circle cx="\#(Int(width - right + 18))" cy="\#(Int(top) + 18 * i)" r="5" fill="\#(colour)"/>"#)
      parts.append(text(width - right + 30, top + 18 * Double(i) + 4, "\(i + 1) \(row.name.prefix(34))"))
    }
    return (parts + ["</svg>"]).joined(separator: "\n") + "\n"
  }

  private func text(_ x: Double, _ y: Double, _ words: String, anchor: String = "start") -> String {
    let safe = words.replacingOccurrences(of: "&", with: "&amp;").replacingOccurrences(of: "<", with: "&lt;")
    return #"<text x="\#(Int(x))" y="\#(Int(y))" text-anchor="\#(anchor)">\#(safe)</text>"#
  }
  private func line(_ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, _ colour: String) -> String {
    #"<line x1="\#(Int(x1))" y1="\#(Int(y1))" x2="\#(Int(x2))" y2="\#(Int(y2))" stroke="\#(colour)"/>"#
  }
}
