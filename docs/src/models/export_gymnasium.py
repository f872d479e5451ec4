import json, sys
import gymnasium

name, options = sys.argv[1], json.loads(sys.argv[2]) if len(sys.argv) > 2 else {}
env = gymnasium.make(name, **options).unwrapped
rows = [[int(s), int(a), float(p), int(s2), float(r), bool(done)]
        for s, actions in env.P.items() for a, row in actions.items()
        for p, s2, r, done in row]
json.dump({"name": name, "n_states": int(env.observation_space.n),
           "n_actions": int(env.action_space.n), "transitions": rows}, sys.stdout)
