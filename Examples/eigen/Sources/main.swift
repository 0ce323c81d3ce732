import Commands
import Models

register(EigenRecipe.self)
Atelier.main()
