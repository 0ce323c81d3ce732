import Training

/// - Throws: `RecipeError.badSetting` when the condition doesn't hold.
func expect(_ condition: Bool, _ name: String, _ value: some Any, _ reason: String) throws(RecipeError) {
  if !condition { throw .badSetting(name, value: "\(value)", reason: reason) }
}
