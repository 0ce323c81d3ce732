import Catalogue
import Files

extension Screens {
  /// Runs and models that make pictures from seeds, those that come with Atelier too.
  static func generators(_ call: Call, _ given: String?) async throws -> [[String: Any]] {
    let recipes = try await call.studio.description.recipes()
    let makers = Set(
      recipes.filter { $0["command"]?.string?.hasPrefix("atelier generate") == true }.compactMap { $0["name"]?.string })
    let catalogue = call.studio.catalogue
    let runs = try catalogue.runs().filter { makers.contains($0.recipe) }.map {
      (value: "run:\($0.id)", label: "\($0.name) · \($0.recipe)")
    }
    let models = try catalogue.models().filter { makers.contains($0.recipe) }.map {
      (value: "model:\($0.id)", label: "\($0.name) · \($0.recipe)")
    }
    return (runs + models).map { ["value": $0.value, "label": $0.label, "isHere": $0.value == given] }
  }

  static func live(_ call: Call) async throws -> String {
    let run = call.query("run")
    return try call.studio.pages.page(
      "live", "live", ["generators": try await generators(call, run), "run": run ?? ""], call)
  }
}
