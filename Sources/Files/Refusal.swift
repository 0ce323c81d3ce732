/// An error of the world, told in one sentence that ends with what to do next.
public protocol Refusal: Error {
  var sentence: String { get }
  /// Of HTTP.
  var status: Int { get }
  /// Of the process: the same as the command line's (docs/json.md).
  var exitCode: Int32 { get }
}
