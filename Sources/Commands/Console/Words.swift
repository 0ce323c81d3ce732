import Foundation
import Workshop

/// A duration as an artist says it: "40 s", "12 min", "1 h 20 min", "2 days 3 h".
func spoken(seconds: Double) -> String {
  guard seconds.isFinite else { return "an unknown time" }
  let whole = Int(max(0, seconds).rounded())
  if whole < 60 { return "\(whole) s" }
  let minutes = (whole + 30) / 60
  if minutes < 60 { return "\(minutes) min" }
  if minutes < 24 * 60 { return "\(minutes / 60) h" + (minutes % 60 == 0 ? "" : " \(minutes % 60) min") }
  let hours = (minutes + 30) / 60
  return (hours / 24 == 1 ? "1 day" : "\(hours / 24) days") + (hours % 24 == 0 ? "" : " \(hours % 24) h")
}

/// A rate or a loss with about three digits: "1,240", "110", "3.42", "0.0781".
func spoken(_ value: Double) -> String {
  guard value.isFinite else { return "\(value)" }
  switch abs(value) {
  case 0..<1e15 where value == value.rounded(): return grouped(Int(value))
  case 99.5...: return abs(value) < 1e15 ? grouped(Int(value.rounded())) : String(format: "%.3g", value)
  case 1...: return String(format: "%.2f", value)
  default: return String(format: "%.3g", value)
  }
}

/// A size in the unit that a file manager would take: "812 kB", "4.6 MB", "190 MB".
func spoken(bytes: Int) -> String {
  switch bytes {
  case ..<1000: "\(bytes) bytes"
  case ..<1_000_000: "\(bytes / 1000) kB"
  case ..<10_000_000: String(format: "%.1f MB", Double(bytes) / 1e6)
  case ..<10_000_000_000: "\(bytes / 1_000_000) MB"
  default: "\(bytes / 1_000_000_000) GB"
  }
}
