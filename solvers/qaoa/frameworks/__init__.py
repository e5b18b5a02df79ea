"""One circuit, every framework: qiskit's circuits as those of other frameworks, gate by gate.

`walk` lists a circuit's gates; a module for each framework makes its own circuit of them
(`convert`) and asks it for the probabilities of all basis states (`probabilities`), in qiskit's
order: bit ``i`` of a state's index is qubit ``i``. `openqasm` writes text. No text is read on the
way: what a parser rounds or leaves out would go unseen.

Circuits agree up to a global phase, which most frameworks have no place for. Measurements are left
out: they only say which bit a qubit is read into (`walk.readout`).
"""
