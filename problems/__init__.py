"""The bundled problems and analyses, published as data; nothing heavy is imported here."""

from qopt.registry import Spec

from .formats import (
    binpack,
    biqmac,
    dimacs,
    edges,
    graphml,
    labs,
    li_lim,
    lp,
    matrix,
    orlib,
    parquet,
    pisinger,
    qoblib,
    qubojson,
    solomon,
    stops,
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
        forms=("routing", "program", "qubo", "table"),
        formats="TSPLIB .tsp and .atsp",
        recognises=lambda name, head: tsplib.recognises(name, head, tsplib.TOUR_TYPES),
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
        name="vrptw",
        summary="vehicle routing with time windows from one depot: the least distance",
        target="qopt.problems.routing.vrptw:Vrptw",
        forms=("routing",),
        formats="Solomon, Gehring and Homberger .txt",
        recognises=solomon.recognises,
    ),
    Spec(
        kind="problem",
        name="vrp",
        summary="rich vehicle routing: depots, mixed fleets, time windows, prizes, pickups",
        target="qopt.problems.routing.vrp:Vrp",
        forms=("routing",),
        formats="stops as CSV or GeoJSON (name, type, latitude, longitude or x, y, demand, pickup, "
        "service, early, late, prize, required, delivery_to, load), VRPLIB .vrp of richer types, "
        "Li and Lim pickup and delivery",
        recognises=lambda name, head: tsplib.recognises(name, head, tsplib.RICH_TYPES)
        or stops.recognises(name, head)
        or li_lim.recognises(name, head),
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
        name="clique",
        summary="the largest (or heaviest) set of vertices that are all joined",
        target="qopt.problems.graph:Clique",
        forms=("program", "qubo"),
        formats="the graph files of maxcut; name the kind",
    ),
    Spec(
        kind="problem",
        name="colouring",
        summary="colour a graph with the fewest colours, or with the fewest conflicts",
        target="qopt.problems.graph:Colouring",
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
        name="knapsack",
        summary="choose the items of most profit that fit, with one capacity or several",
        target="qopt.problems.knapsack:Knapsack",
        forms=("program",),
        formats="Pisinger's knapPI; 'n capacity' and lines 'profit weight', OR-Library mknap "
        "(name the kind)",
        recognises=pisinger.recognises,
    ),
    Spec(
        kind="problem",
        name="bin-packing",
        summary="pack items into the fewest bins",
        target="qopt.problems.bin_packing:BinPacking",
        forms=("program",),
        formats="OR-Library binpack; BPPLIB (name the kind)",
        recognises=binpack.recognises,
    ),
    Spec(
        kind="problem",
        name="job-shop",
        summary="schedule jobs on machines so that the last one ends early",
        target="qopt.problems.job_shop:JobShop",
        forms=("program", "qubo"),
        formats="Taillard's and JSPLIB's 'jobs machines' and lines of pairs; name the kind",
    ),
    Spec(
        kind="problem",
        name="number-partitioning",
        summary="split numbers in two so that the sums differ least",
        target="qopt.problems.number_partitioning:NumberPartitioning",
        forms=("program", "qubo"),
        formats="whole numbers and nothing else; name the kind",
    ),
    Spec(
        kind="problem",
        name="market-split",
        summary="0-1 variables that come nearest to several equations",
        target="qopt.problems.market_split:MarketSplit",
        forms=("program", "qubo"),
        formats="QOBLIB 'm n' and lines of coefficients and target; name the kind",
    ),
    Spec(
        kind="problem",
        name="quadratic-assignment",
        summary="place facilities so that flows times distances are least",
        target="qopt.problems.quadratic_assignment:QuadraticAssignment",
        forms=("program", "qubo"),
        formats="QAPLIB .dat, with the value of a .sln beside it; name the kind",
    ),
    Spec(
        kind="problem",
        name="labs",
        summary="sequences of signs with the least autocorrelation",
        target="qopt.problems.labs:Labs",
        forms=("program", "qubo", "table"),
        formats="a file labsNNN that holds the length; others: name the kind",
        recognises=labs.recognises,
    ),
    Spec(
        kind="problem",
        name="qubo",
        summary="any quadratic unconstrained binary model",
        target="qopt.problems.generic:QuboProblem",
        forms=("qubo",),
        formats="BiqMac .sparse, dimod .bqm and its JSON, qubo JSON, coordinate .npz, square "
        "matrices as .npy, .csv and scipy's sparse .npz",
        recognises=lambda name, head: any(
            layout.recognises(name, head) for layout in (biqmac, matrix, qubojson)
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
