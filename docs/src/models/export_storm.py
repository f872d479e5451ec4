import stormpy
import stormpy.io

program = stormpy.parse_prism_program("queue.nm")
stormpy.io.export_to_drn(stormpy.build_model(program), "queue.drn")
