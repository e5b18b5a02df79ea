"""The bundled problems and analyses, published as data; nothing heavy is imported here."""

from qopt.registry import Spec

from .formats import (
    biqmac,
    dimacs,
    edges,
    graphml,
    lp,
    orlib,
    parquet,
    qoblib,
    qubojson,
    tabular,
    tsplib,
)

SPECS = (
    Spec(
        kind="problem",
        name="portfolio",
        summary="choose assets and weights: return, risk, Sharpe ratio or an index to track",
        target="qopt.problems.portfolio:Portfolio",
        forms=("program", "qubo"),
        formats="prices, returns or mean/covariance as CSV or Parquet, OR-Library port files",
        recognises=lambda name, head: any(
            is_one(name, head)
            for is_one in (
                orlib.recognises, orlib.recognises_pair, tabular.recognises, parquet.recognises
            )
        ),
    ),
    Spec(
        kind="problem",
        name="multiperiod",
        summary="trade assets over several periods, long and short: risk, gains, costs, interest",
        target="qopt.problems.portfolio.multiperiod:MultiPeriod",
        forms=("program", "qubo"),
        formats="QOBLIB stock_prices.txt (.gz) with covariance_matrices.txt beside it",
        recognises=qoblib.recognises,
    ),
    Spec(
        kind="problem",
        name="tsp",
        summary="travelling salesman: the shortest closed tour",
        target="qopt.problems.routing.tsp:Tsp",
        forms=("routing", "program", "qubo"),
        formats="TSPLIB .tsp and .atsp",
        recognises=lambda name, head: tsplib.recognises(name, head, {"TSP", "ATSP"}),
    ),
    Spec(
        kind="problem",
        name="cvrp",
        summary="capacitated vehicle routing: the cheapest routes from one depot",
        target="qopt.problems.routing.cvrp:Cvrp",
        forms=("routing", "program", "qubo"),
        formats="CVRPLIB and TSPLIB .vrp",
        recognises=lambda name, head: tsplib.recognises(name, head, {"CVRP"}),
    ),
    Spec(
        kind="problem",
        name="maxcut",
        summary="split the vertices of a graph so that the cut weighs most",
        target="qopt.problems.graph:MaxCut",
        forms=("qubo", "program"),
        formats="G-set and rudy, edge lists, DIMACS, GraphML, node-link JSON",
        recognises=lambda name, head: any(
            layout.recognises(name, head) for layout in (edges, dimacs, graphml)
        ),
    ),
    Spec(
        kind="problem",
        name="independent-set",
        summary="the largest (or heaviest) set of vertices without an edge between them",
        target="qopt.problems.graph:IndependentSet",
        forms=("program", "qubo"),
        formats="the graph files of maxcut; name the kind",
    ),
    Spec(
        kind="problem",
        name="vertex-cover",
        summary="the smallest (or lightest) set of vertices that touches every edge",
        target="qopt.problems.graph:VertexCover",
        forms=("program", "qubo"),
        formats="the graph files of maxcut; name the kind",
    ),
    Spec(
        kind="problem",
        name="qubo",
        summary="any quadratic unconstrained binary model",
        target="qopt.problems.generic:QuboProblem",
        forms=("qubo",),
        formats="BiqMac .sparse, dimod .bqm, qubo JSON, coordinate .npz",
        recognises=lambda name, head: any(
            layout.recognises(name, head) for layout in (biqmac, qubojson)
        ),
    ),
    Spec(
        kind="problem",
        name="program",
        summary="any integer program with linear or quadratic objective and linear constraints",
        target="qopt.problems.generic:ProgramProblem",
        forms=("program",),
        formats="LP files",
        recognises=lp.recognises,
    ),
    Spec(
        kind="analysis",
        name="portfolio-frontier",
        summary="the continuous efficient frontier, and what whole lots or few assets reach of it",
        target="qopt.problems.portfolio.frontier:frontier",
    ),
    Spec(
        kind="analysis",
        name="portfolio-backtest",
        summary="solvers and baselines walked forward through past prices, net of costs",
        target="qopt.problems.portfolio.backtest:backtest",
    ),
)
